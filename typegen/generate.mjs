import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

// Makes docs/openapi.d.ts from docs/openapi.yaml. With --check it writes nothing, and fails if the two differ.

const SOURCE = new URL('../docs/openapi.yaml', import.meta.url);
const TYPES = new URL('../docs/openapi.d.ts', import.meta.url);

const text = readFileSync(SOURCE, 'utf8');
const digest = createHash('sha256').update(text).digest('hex');
const types = astToString(await openapiTS(SOURCE, { silent: true }));
const file = `// Made by \`npm run types:api\` from docs/openapi.yaml, sha256 ${digest}.\n\n${types}`;

if (!process.argv.includes('--check')) {
  writeFileSync(TYPES, file);
} else if (readFileSync(TYPES, 'utf8') !== file) {
  console.error('docs/openapi.d.ts is not what docs/openapi.yaml makes: run npm run types:api.');
  process.exitCode = 1;
}
