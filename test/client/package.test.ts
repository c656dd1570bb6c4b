import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAME = 'rongcloud-group-join-client';
let folder: string;
const run = (command: string, args: string[]) => execFileSync(command, args, { cwd: folder, encoding: 'utf8' });

// What `npm pack` makes, as a user has it beside the AWS SDK.
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'client-'));
  run('npm', ['pack', '--silent', '--offline', `${ROOT}client`]);
  const installed = join(folder, 'node_modules', NAME);
  mkdirSync(installed, { recursive: true });
  run('tar', ['-xzf', globSync('*.tgz', { cwd: folder })[0] ?? '', '-C', installed, '--strip-components=1']);
  for (const name of ['@aws-sdk', '@smithy', '@types']) {
    symlinkSync(`${ROOT}node_modules/${name}`, join(folder, 'node_modules', name));
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true }));

it('holds what is used and no more', () => {
  const files = globSync('**/*.*', { cwd: join(folder, 'node_modules', NAME) });
  expect(files.sort()).toEqual([
    'README.md',
    'dist/join-group.d.ts',
    'dist/join-group.js',
    'join-group.ts',
    'package.json',
  ]);
});

it('is imported as an ES module', () => {
  const script = `import { createJoinGroup } from '${NAME}'; console.log(typeof createJoinGroup({ functionName: 'f', client: {} }));`;
  expect(run(process.execPath, ['--input-type=module', '--eval', script])).toBe('function\n');
});

it("has types, by which the README's example is right and a wrong use is not", () => {
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(`${ROOT}client/README.md`, 'utf8')) ?? [];
  const check = (code: string) => {
    writeFileSync(join(folder, 'use.ts'), code);
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--skipLibCheck',
      '--types',
      'node',
    ];
    return run(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '--ignoreConfig', ...flags, 'use.ts']);
  };
  expect(example).toContain('joinGroup(');
  expect(check(example)).toBe('');
  expect(() => check(example.replace("userIds: ['erin', 'frank']", 'userIds: 7'))).toThrow();
  expect(() => check(example.replace('result.joined)', 'result.failed)'))).toThrow();
}, 60_000);
