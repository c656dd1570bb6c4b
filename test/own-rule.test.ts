import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOnce } from './helpers/npm-start.ts';

// Rules that the docs print, in place of the shipped one, in copies of the project.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MINUTES = 60_000;

/** What is not copied: what git does not know, and what would be too much. */
const LEFT_OUT =
  /^(\.git|\.serverless.*|node_modules|dist.*|coverage|reports|\.stryker-tmp|bench\/node_modules|nag\/node_modules)$/;
/** What another rule is tested by, in place of the shipped rule's tests. */
const OF_ANOTHER_RULE = "import { it } from 'vitest';\n\nit('is about another rule', () => {});\n";
/** Some of each kind of test that asks the rule. */
const MEETING_A_RULE = [
  'lib/policy',
  'security',
  'owasp',
  'first-hour',
  'functions/entry/start',
  'functions/entry/partial',
  'functions/entry/enqueue',
  'lib/telemetry/request',
  'lib/telemetry/failures',
  'sandbox/lambda/http-door',
  'sandbox/start',
  'sandbox/console/page',
].map((name) => `test/${name}.test.ts`);
/** What asks no rule: the templates and the queue door's simulated days. */
const NOT_RUN = [
  'test/model/**',
  'test/package.test.ts',
  'test/guard.test.ts',
  'test/stages.test.ts',
  'test/deploying.test.ts',
  'test/upgrade.test.ts',
  'test/operations.test.ts',
  'test/helpers/alarm-evaluator.test.ts',
];

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
/** Blocks of code that a page prints. */
const printed = (page: string, language: string): string[] =>
  [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]+?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);
/** A file up to a place in it. */
const until = (file: string, place: string): string => read(file).slice(0, read(file).indexOf(place));
/** The whole rule, and what it alone uses, makes room. */
const withRule = (rule: string): string => until('lib/policy.ts', '/**\n * Decides') + rule;

let copy: string;
/** Copies the project, with other files at some places. */
function copyWith(files: Record<string, string>): void {
  copy = mkdtempSync(join(tmpdir(), 'own-rule-'));
  cpSync(ROOT, copy, { recursive: true, filter: (file) => !LEFT_OUT.test(relative(ROOT, file)) });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(copy, file), text);
}
const removeCopy = (): void => rmSync(copy, { recursive: true, force: true });

/** Runs a program of the copy to its end. */
function run(file: string, args: string[]): Promise<{ failed: boolean; said: string }> {
  return new Promise((resolve) => {
    const options = { cwd: copy, maxBuffer: 100_000_000, env: { ...process.env, NODE_OPTIONS: '' } };
    execFile(file, args, options, (error, stdout, stderr) =>
      resolve({ failed: error !== null, said: stdout + stderr }),
    );
  });
}

/** Runs tests of the copy, and expects them to pass. Gives their number. */
async function passing(...args: string[]): Promise<number> {
  const report = join(copy, 'report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { said } = await run(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile=${report}`, ...args]);
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const failed = testResults.flatMap((file: { name: string; status: string; assertionResults: object[] }) =>
    file.status === 'passed' ? [] : [relative(copy, file.name), file.assertionResults.filter(isFailed)],
  );
  expect({ failed, said: failed.length > 0 ? said : '' }).toEqual({ failed: [], said: '' });
  return numPassedTests;
}
const isFailed = (test: { status?: string }): boolean => test.status === 'failed';

const compiles = async (): Promise<void> => {
  expect(await run(join(ROOT, 'node_modules/.bin/tsc'), [])).toEqual({ failed: false, said: '' });
};

describe("the README's rule", () => {
  beforeAll(() => {
    const [rule = ''] = printed('README.md', 'ts').filter((text) => text.startsWith('export function decide('));
    expect(rule).toContain('caller.claims');
    copyWith({ 'lib/policy.ts': withRule(rule), 'test/lib/policy.test.ts': OF_ANOTHER_RULE });
  });
  afterAll(removeCopy);

  it('compiles in place of the shipped one', compiles, MINUTES);

  it(
    'passes every test that could meet a rule, built doors included',
    async () => {
      const excluded = NOT_RUN.flatMap((pattern) => ['--exclude', pattern]);
      expect(await passing(...excluded)).toBeGreaterThan(500);
    },
    15 * MINUTES,
  );

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
});

describe('a rule that asks another service', () => {
  beforeAll(() => {
    const [, rule = '', itsTest = '', standIns = ''] = printed('docs/policy.md', 'ts');
    const [, settings = ''] = printed('docs/policy.md', 'yaml');
    copyWith({
      'lib/policy.ts': withRule(rule),
      'policy.yml': settings,
      'test/lib/policy.test.ts': itsTest,
      'test/helpers/claims.ts': until('test/helpers/claims.ts', '/** Starts what the rule asks') + standIns,
    });
  });
  afterAll(removeCopy);

  it('compiles with its test and its stand-in', compiles, MINUTES);

  it(
    'passes its own test and those that meet it: built doors, the sandbox, the console, npm start, in one process',
    async () => {
      expect(await passing(...MEETING_A_RULE)).toBeGreaterThan(100);
    },
    10 * MINUTES,
  );
});
