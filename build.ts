import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('.', import.meta.url));

/**
 * Bundles the functions into `dist/`, one entry for each door. Chunks are shared between the doors, and what is
 * imported dynamically stays out of a door's first load.
 */
export async function buildFunctions(): Promise<void> {
  await rm(`${ROOT}dist`, { recursive: true, force: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: {
      http: 'functions/entry/http.ts',
      invoke: 'functions/entry/invoke.ts',
      queue: 'functions/entry/queue.ts',
    },
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    // CommonJS parts of the bundle call require() for Node's own modules; an ES module has none.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
}

if (import.meta.main) await buildFunctions();
