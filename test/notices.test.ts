import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noticesOf } from '../notices.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
/** The packages that the doors import for more than types. What the app's rule imports is not ours to name. */
const ours = globSync('{lib,functions}/**/*.ts', { cwd: ROOT, exclude: ['lib/policy.ts', 'lib/policy/**'] });
const imported = ours.flatMap((file) =>
  [...read(file).matchAll(/^import (?!type )[^;]+? from '((?!node:)[^.'][^']*)'/gm)].map(([, name = '']) => name),
);

describe('dist/THIRD-PARTY-NOTICES', () => {
  const notices = read('dist/THIRD-PARTY-NOTICES');

  it('names each package that the doors import, with its version and its licence', () => {
    expect(imported).toEqual(expect.arrayContaining(['@aws-sdk/client-sqs', 'jose', 'valibot']));
    for (const name of imported) {
      const { version }: { version: string } = JSON.parse(read(`node_modules/${name}/package.json`));
      expect(notices).toContain(`${name} ${version} (`);
    }
    expect(notices).toContain('Permission is hereby granted');
    expect(notices).toContain('Apache License');
  });

  it('names nothing of ours, nor what is only there to build and test', () => {
    for (const name of ['rongcloud-group-join', 'vitest', 'esbuild', 'serverless']) {
      expect(notices).not.toMatch(new RegExp(`^${name} `, 'm'));
    }
  });
});

describe('the notices of a bundle', () => {
  let folder: string;
  let notices: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'notices-'));
    const root = join(folder, 'app');
    const files: Record<string, string> = {
      'app/package.json': '{"name":"app","version":"1.0.0"}',
      'app/in.js': 'import "plain"; import "linked"; import "parted/part"; import { a } from "unused"; a;',
      'app/node_modules/plain/package.json': '{"name":"plain","version":"2.0.0","license":"MIT"}',
      'app/node_modules/plain/index.js': 'console.log(1)',
      'app/node_modules/plain/LICENSE': 'The text of a licence.',
      'elsewhere/linked/package.json': '{"name":"linked","license":"ISC"}',
      'elsewhere/linked/index.js': 'console.log(2)',
      'elsewhere/linked/NOTICE.txt': 'A notice.',
      'app/node_modules/parted/package.json': '{"name":"parted","version":"3.0.0","license":"MIT"}',
      'app/node_modules/parted/part/package.json': '{"main":"part.js"}',
      'app/node_modules/parted/part/part.js': 'console.log(3)',
      'app/node_modules/parted/license.md': 'The text of a licence.',
      'app/node_modules/unused/package.json': '{"name":"unused","version":"4.0.0","sideEffects":false}',
      'app/node_modules/unused/index.js': 'export const a = 4',
    };
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    symlinkSync(join(folder, 'elsewhere/linked'), join(root, 'node_modules/linked'));
    const options = { bundle: true, metafile: true, write: false, minify: true } as const;
    const { metafile } = await build({ ...options, absWorkingDir: root, entryPoints: ['in.js'] });
    notices = noticesOf(metafile, `${root}/`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('have a text once for all that share it, a linked package, and nothing that the bundle left out', () => {
    const line = '-'.repeat(80);
    expect(notices).toBe(
      `linked (ISC)\n\nA notice.\n\n${line}\n\nparted 3.0.0 (MIT)\nplain 2.0.0 (MIT)\n\nThe text of a licence.\n`,
    );
  });
});
