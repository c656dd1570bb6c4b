import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startOnce } from './helpers/npm-start.ts';

// The example of a rule that the README prints, in place of the shipped one, in a copy of the project.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MINUTES = 60_000;

/** What is not copied: what git does not know, and what would be too much. */
const LEFT_OUT =
  /^(\.git|\.serverless.*|node_modules|dist.*|coverage|reports|\.stryker-tmp|bench\/node_modules|nag\/node_modules)$/;
/** What asks no rule: the templates and the queue door's simulated days. And what is about the shipped rule alone. */
const NOT_RUN = [
  'test/lib/policy.test.ts',
  'test/first-hour.test.ts',
  ...[
    'test/model/**',
    'test/package.test.ts',
    'test/guard.test.ts',
    'test/stages.test.ts',
    'test/deploying.test.ts',
    'test/upgrade.test.ts',
  ],
  'test/operations.test.ts',
  'test/helpers/alarm-evaluator.test.ts',
];

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'own-rule-'));
  cpSync(ROOT, copy, { recursive: true, filter: (file) => !LEFT_OUT.test(relative(ROOT, file)) });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const [, rule = ''] = /^```ts\n(export function decide\([\s\S]+?\n\}\n)```$/m.exec(read('README.md')) ?? [];
  expect(rule).toContain('caller.claims');
  const shipped = read('lib/policy.ts');
  // The whole rule, and what it alone uses, makes room.
  writeFileSync(join(copy, 'lib/policy.ts'), shipped.slice(0, shipped.indexOf('/**\n * Decides')) + rule);
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Runs a program of the copy to its end. */
function run(file: string, args: string[]): Promise<{ failed: boolean; said: string }> {
  return new Promise((resolve) => {
    const options = { cwd: copy, maxBuffer: 100_000_000, env: { ...process.env, NODE_OPTIONS: '' } };
    execFile(file, args, options, (error, stdout, stderr) =>
      resolve({ failed: error !== null, said: stdout + stderr }),
    );
  });
}

it(
  "the README's rule compiles in place of the shipped one",
  async () => {
    expect(await run(join(ROOT, 'node_modules/.bin/tsc'), [])).toEqual({ failed: false, said: '' });
  },
  MINUTES,
);

it(
  "every test that could meet a rule passes with the README's, built doors included",
  async () => {
    const excluded = NOT_RUN.flatMap((pattern) => ['--exclude', pattern]);
    const report = join(copy, 'report.json');
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const { said } = await run(process.execPath, [
      vitest,
      'run',
      '--reporter=json',
      `--outputFile=${report}`,
      ...excluded,
    ]);
    const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const failed = testResults.flatMap((file: { name: string; status: string; assertionResults: object[] }) =>
      file.status === 'passed' ? [] : [relative(copy, file.name), file.assertionResults.filter(isFailed)],
    );
    expect({ failed, said: failed.length > 0 ? said : '' }).toEqual({ failed: [], said: '' });
    expect(numPassedTests).toBeGreaterThan(500);
  },
  15 * MINUTES,
);

const isFailed = (test: { status?: string }): boolean => test.status === 'failed';

it(
  'npm start says what a refused first join means, and how to be let in',
  async () => {
    const refused = await startOnce(copy, { PORT: '14710' });
    expect(refused).toMatch(/^RongCloud .*App Key sandbox-app-key$/m);
    expect(refused).toContain('Could not join alice to team-1: 403');
    expect(refused).toContain('The rule in lib/policy.ts refused this join.');
    const [, claims = '', group = ''] = /SAMPLE_CLAIMS='(.+)' SAMPLE_GROUP=(\S+) npm start/.exec(refused) ?? [];
    expect(await startOnce(copy, { PORT: '14710', SAMPLE_CLAIMS: claims, SAMPLE_GROUP: group })).toContain(
      `Joined alice to ${group}: 200`,
    );
  },
  2 * MINUTES,
);
