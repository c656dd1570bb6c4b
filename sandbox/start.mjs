// `npm start`. Any Node.js can read this file, so that it can say what is missing: the Node.js that `npm ci` brings, which
// runs TypeScript, and the packages that the sandbox is made of.
import { existsSync, readFileSync } from 'node:fs';

const ROOT = new URL('..', import.meta.url);
const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
const isInstalled = (name) => existsSync(new URL(`node_modules/${name}/package.json`, ROOT));
const major = Number(process.versions.node.split('.')[0]);

if (!Object.keys({ ...dependencies, ...devDependencies }).every(isInstalled)) {
  complain('Some packages are not installed. Run this first: npm ci (without --omit=dev)');
} else if (major < 24) {
  complain(
    `This is Node.js ${process.versions.node}. \`npm start\` runs on the 24 that \`npm ci\` brings. Run this first: npm ci (without --ignore-scripts)`,
  );
} else {
  await import('./start.ts');
}

function complain(line) {
  console.error(line);
  process.exitCode = 1;
}
