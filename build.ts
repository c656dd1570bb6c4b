import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type OutputFile, type Plugin, transform } from 'esbuild';
import { noticesOf } from './notices.ts';

const ROOT = fileURLToPath(new URL('.', import.meta.url));

/**
 * The SDK's clients look for settings in ~/.aws too, where Lambda has none. Its environment variables are looked for as
 * ever.
 *
 * Version 3.1169.0 needs this: a client reads the files for each setting that its environment does not hold. It can go
 * once it costs a start nothing.
 */
const noSettingsFiles: Plugin = {
  name: 'no-settings-files',
  setup({ onLoad }) {
    onLoad({ filter: /@smithy\/core\/.*\/loadSharedConfigFiles\.js$/ }, () => ({
      contents: `export { CONFIG_PREFIX_SEPARATOR } from './constants';
export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`,
    }));
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
    plugins: [noSettingsFiles],
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
