import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Metafile } from 'esbuild';

interface Manifest {
  name: string;
  version?: string;
  license?: string;
}

/** The texts that come with a package. */
const TEXTS = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i;

/** The name, version, licence and its text of each package that a bundle holds, below `root`. */
export function noticesOf({ outputs }: Metafile, root: string): string {
  // What a bundle holds nothing of is no part of it, though esbuild read it.
  const files = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [join(root, file)] : [])),
  );
  const folders = new Set(files.map(packageOf).filter((folder) => folder !== root.replace(/\/$/, '')));
  const notices = [...folders].map((folder) => {
    const { name, version, license }: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const texts = readdirSync(folder).filter((file) => TEXTS.test(file));
    const read = texts.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return {
      title: [name, version, `(${license ?? 'no licence given'})`].filter(Boolean).join(' '),
      text: read.join('\n\n'),
    };
  });
  // Many packages have one licence: its text stands once, below all of their names.
  const byText = Map.groupBy(notices, ({ text }) => text);
  const parts = [...byText].map(([text, some]) => [...some.map(({ title }) => title).sort(), '', text].join('\n'));
  return `${parts.sort().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** The folder of the package that a file is part of. A package.json without a name is only about a part of one. */
function packageOf(file: string): string {
  const folder = dirname(file);
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name) return folder;
  if (folder === dirname(folder)) throw new Error(`${file} is part of no package`);
  return packageOf(folder);
}
