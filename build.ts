import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type OutputFile, type Plugin, transform } from 'esbuild';
import { noticesOf } from './notices.ts';

const ROOT = fileURLToPath(new URL('.', import.meta.url));

const secretsClient = createRequire(import.meta.url).resolve('@aws-sdk/client-secrets-manager');
/** Of the copy of the SDK's shared code that the secret's client has. Another client may bring another copy. */
const SETTINGS_FILES = join(
  createRequire(secretsClient).resolve('@smithy/core/package.json'),
  '../dist-es/submodules/config/shared-ini-file-loader/loadSharedConfigFiles.js',
);

/**
 * For each setting that its environment does not hold, an SDK client reads ~/.aws, which a function on Lambda has not.
 * Where neither file is there, the reader is not even loaded. Otherwise the SDK's own code reads them, for a rule's client
 * as for ours.
 *
 * @smithy/core 3.41.0 needs this: it is worth 3 % of a start. It can go once a client looks whether the files are there,
 * or an upgrade costs a start less than that without it.
 */
const settingsFiles: Plugin = {
  name: 'settings-files',
  setup({ onLoad }) {
    onLoad({ filter: /\/loadSharedConfigFiles\.js$/ }, ({ path, suffix }) => {
      if (path !== SETTINGS_FILES || suffix !== '') return undefined;
      return {
        contents: `import { existsSync } from 'node:fs';
import { getConfigFilepath } from './getConfigFilepath';
import { getCredentialsFilepath } from './getCredentialsFilepath';
export { CONFIG_PREFIX_SEPARATOR } from './constants';
const mayExist = (path) => path.startsWith('~/') || existsSync(path);
export const loadSharedConfigFiles = async (init = {}) => {
  const { filepath = getCredentialsFilepath(), configFilepath = getConfigFilepath() } = init;
  if (!mayExist(filepath) && !mayExist(configFilepath)) return { configFile: {}, credentialsFile: {} };
  const reader = await import('./loadSharedConfigFiles.js?as-it-is');
  return reader.loadSharedConfigFiles(init);
};`,
      };
    });
  },
};

/** The doors' own clients of AWS. A rule's clients are left as they are. */
const CLIENTS = /\/@aws-sdk\/client-(secrets-manager|sqs|eventbridge)\/dist-es\/runtimeConfig\.js$/;

/** What the SDK's shared code uses of parts of Node that a start has no need of. */
const LATER = new Map([
  ['node:fs/promises', 'readFile'],
  ['node:zlib', 'crc32'],
]);

/**
 * What the doors' own clients would load first and never use. Lambda gives credentials in the environment, so that the
 * SDK's chain of other providers never comes to its turn. And the parts of Node are loaded once somebody uses them.
 *
 * @aws-sdk/client-secrets-manager 3.1163.0 needs this: together it is worth 10 % of a start and 40 kB of a first load. It
 * can go once runtimeConfig.js imports no chain (https://github.com/aws/aws-sdk-js-v3/issues/6087).
 */
const lazyParts: Plugin = {
  name: 'lazy-parts',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ path, importer, resolveDir }) => {
      if (!CLIENTS.test(importer)) return undefined;
      return { path, namespace: 'environment', pluginData: { resolveDir }, sideEffects: false };
    });
    onLoad({ filter: /.*/, namespace: 'environment' }, ({ pluginData }) => ({
      contents: "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';",
      resolveDir: pluginData.resolveDir,
    }));
    onResolve({ filter: /^node:/ }, ({ path, importer }) =>
      LATER.has(path) && importer.includes('/@smithy/core/')
        ? { path, namespace: 'later', sideEffects: false }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'later' }, ({ path }) => {
      const name = LATER.get(path);
      return { contents: `export const ${name} = (...args) => process.getBuiltinModule('${path}').${name}(...args);` };
    });
  },
};

const DOORS = ['http', 'invoke', 'queue'];

/** What Lambda imports: the name of a function's handler, and what awaits the start of its door. */
function entry(door: string): string {
  return `import { createRequire } from 'node:module';
export const handler = await createRequire(import.meta.url)('./${door}.cjs').start();
`;
}

/**
 * Bundles the functions into `dist/`: for each door what Lambda imports, and its code. Chunks are shared between the
 * doors, and what is imported dynamically stays out of a door's first load.
 */
export async function buildFunctions(): Promise<Metafile> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(DOORS.map((door) => [door, `functions/entry/${door}.ts`])),
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    plugins: [settingsFiles, lazyParts],
    metafile: true,
    minify: true,
    sourcemap: 'inline',
    legalComments: 'none',
    logLevel: 'warning',
    write: false,
  });
  const files = (await Promise.all(outputFiles.map(toCommonJs))).flatMap(({ path, code, map }) => {
    const output = metafile.outputs[relative(ROOT, path)];
    if (output) output.bytes = Buffer.byteLength(code);
    // The map stays beside the bundle and is not part of the package: `npm run locate` reads it, a start does not.
    return [
      { path, text: code },
      { path: `${path}.map`, text: map },
    ];
  });
  await replaceFolder(`${ROOT}dist`, [
    ...files,
    ...DOORS.map((door) => ({ path: `${ROOT}dist/${door}.mjs`, text: entry(door) })),
    { path: `${ROOT}dist/THIRD-PARTY-NOTICES`, text: noticesOf(metafile, ROOT) },
  ]);
  return metafile;
}

/** Writes the files of a folder beside it, and then puts them in its place: whoever reads it finds all of one build. */
async function replaceFolder(folder: string, files: readonly { path: string; text: string }[]): Promise<void> {
  const [next, last] = [`${folder}-${process.pid}-next`, `${folder}-${process.pid}-last`];
  try {
    for (const { path, text } of files) {
      const file = `${next}/${relative(folder, path)}`;
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    await rename(folder, last).catch(() => undefined);
    await rename(next, folder);
  } finally {
    await rm(next, { recursive: true, force: true });
    await rm(last, { recursive: true, force: true });
  }
}

/**
 * A file of the bundle as CommonJS, which starts sooner than an ES module: an ES import of a builtin reads all of its
 * exports. Those of node:http load Node's copy of undici, about 40 ms: https://github.com/nodejs/node/issues/59686
 *
 * esbuild 0.28.2 splits ES modules only, so this is a second step. It can go once `splitting` takes `format: 'cjs'`:
 * https://github.com/evanw/esbuild/issues/16
 */
async function toCommonJs({ path, text }: OutputFile): Promise<{ path: string; code: string; map: string }> {
  const { code, map } = await transform(text, {
    format: 'cjs',
    target: 'node24',
    // What is loaded later is required too: `import()` is an ES import.
    supported: { 'dynamic-import': false },
    minify: true,
    sourcemap: 'external',
    sourcefile: basename(path),
    legalComments: 'none',
  });
  return { path, code, map };
}

if (import.meta.main) await buildFunctions();
