import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type OutputFile, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('.', import.meta.url));

/**
 * An ES import of node:http reads all of its exports. Three of them (WebSocket, CloseEvent, MessageEvent) are getters
 * that load Node's copy of undici, which takes about 40 ms. Taken as CommonJS, only what is used is read.
 *
 * Node 24.21.0 needs this. It can go once no entry of `process.moduleLoadList` names undici after an
 * `import 'node:http'` in Lambda's Node: https://github.com/nodejs/node/issues/59686
 */
const lazyHttp: Plugin = {
  name: 'lazy-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, () => ({ path: 'node:http', namespace: 'lazy-http', sideEffects: false }));
    onLoad({ filter: /.*/, namespace: 'lazy-http' }, () => ({
      contents: "module.exports = process.getBuiltinModule('node:http');",
    }));
  },
};

/**
 * Lambda gives credentials in the environment. The SDK's chain of other providers would never come to its turn there,
 * but what they share with the clients would be in every door's first load: 37 kB more, by bench/first-load.ts.
 *
 * Version 3.1169.0 needs this: each client's runtimeConfig.js imports the chain, also for a client that is given its
 * credentials. It can go once that import is gone, or adds nothing to the first load:
 * https://github.com/aws/aws-sdk-js-v3/issues/6087
 */
const lambdaCredentials: Plugin = {
  name: 'lambda-credentials',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ path, resolveDir }) => ({
      path,
      namespace: 'lambda-credentials',
      pluginData: { resolveDir },
      sideEffects: false,
    }));
    onLoad({ filter: /.*/, namespace: 'lambda-credentials' }, ({ pluginData }) => ({
      contents: "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';",
      resolveDir: pluginData.resolveDir,
    }));
  },
};

/**
 * Bundles the functions into `dist/`, one entry for each door. Chunks are shared between the doors, and what is
 * imported dynamically stays out of a door's first load.
 */
export async function buildFunctions(): Promise<Metafile> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: {
      http: 'functions/entry/http.ts',
      invoke: 'functions/entry/invoke.ts',
      queue: 'functions/entry/queue.ts',
    },
    outdir: 'dist',
    write: false,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    plugins: [lazyHttp, lambdaCredentials],
    metafile: true,
    minify: true,
    // Beside the bundle and not part of the package: `npm run locate` reads them, a start does not.
    sourcemap: 'external',
    legalComments: 'none',
    logLevel: 'warning',
  });
  await replaceFolder(`${ROOT}dist`, outputFiles);
  return metafile;
}

/** Writes the files of a folder beside it, and then puts them in its place: whoever reads it finds all of one build. */
async function replaceFolder(folder: string, files: readonly OutputFile[]): Promise<void> {
  const [next, last] = [`${folder}-${process.pid}-next`, `${folder}-${process.pid}-last`];
  try {
    for (const { path, contents } of files) {
      const file = `${next}/${relative(folder, path)}`;
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, contents);
    }
    await rename(folder, last).catch(() => undefined);
    await rename(next, folder);
  } finally {
    await rm(next, { recursive: true, force: true });
    await rm(last, { recursive: true, force: true });
  }
}

if (import.meta.main) await buildFunctions();
