import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

// Our tests must pass in a copy that a user has set up.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NOT_COPIED =
  /^(\.git|\.serverless.*|node_modules|dist.*|coverage|reports|\.stryker-tmp|(bench|nag)\/node_modules)$/;
const SUITES = [
  ...['package', 'stages', 'imports', 'notices', 'guard', 'deploying', 'upgrade'],
  ...['tools/explain', 'tools/import-kept'],
];

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const { dependencies, ...manifest } = JSON.parse(read('package.json'));

const THEIRS: Record<string, string> = {
  // Each value would change what is packaged.
  'stages.yml': `default:
  dataCenter: singapore
  jwtIssuer: https://theirs.example
  jwtAudience: theirs
  jwtGroupsClaim: groups
  httpConcurrency: 9
  logRetentionDays: 7
  removal: Retain
  tracing: Active
  alarms: "yes"
  corsOrigins: https://theirs.example
dev:
  throttleRate: 5
`,
  'policy.yml': `environment:
  SEATS_TABLE: seats
statements:
  - Effect: Allow
    Action: dynamodb:GetItem
    Resource: "*"
`,
  'lib/policy.ts': `import type { Caller } from './identity/caller.ts';
import type { JoinRequest } from './join/join-request.ts';
import { CLOSED, isClosed } from './policy/closed.ts';

export type Decision = { allowed: true } | { allowed: false; reason: string };

export const decide = async (_caller: Caller, { groupId }: JoinRequest): Promise<Decision> =>
  isClosed(groupId) ? CLOSED : { allowed: true };
`,
  'lib/policy/closed.ts': `import { parse } from 'yaml';
import type { Decision } from '../policy.ts';

export const isClosed = (groupId: string): boolean => parse(groupId) === 'closed';
export const CLOSED: Decision = { allowed: false, reason: 'It is closed.' };
`,
  // As npm install writes them. No bundle holds a package of types.
  'package.json': JSON.stringify({
    ...manifest,
    dependencies: { ...dependencies, '@types/node': '^24.0.0', yaml: '^2.9.0' },
  }),
};

it('a copy with values, a rule and packages of its own passes the tests of ours', { timeout: 900_000 }, async () => {
  const copy = mkdtempSync(join(tmpdir(), 'configured-'));
  cpSync(ROOT, copy, { recursive: true, filter: (file) => !NOT_COPIED.test(relative(ROOT, file)) });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, text] of Object.entries(THEIRS)) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    writeFileSync(join(copy, file), text);
  }
  const suites = SUITES.map((name) => `test/${name}.test.ts`);
  const args = [
    join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=json',
    '--outputFile=report',
    ...suites,
  ];
  const options = { cwd: copy, maxBuffer: 100_000_000, env: { ...process.env, NODE_OPTIONS: '' } };
  const said = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, options, (_, stdout, stderr) => resolve(stdout + stderr));
  });
  const { testResults }: { testResults: TestFile[] } = JSON.parse(readFileSync(join(copy, 'report'), 'utf8'));
  const failed = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const titles = assertionResults.filter((one) => one.status === 'failed').map(({ fullName }) => fullName);
    return status === 'passed' ? [] : [relative(copy, name), message, ...titles];
  });
  rmSync(copy, { recursive: true });
  expect(failed, said).toEqual([]);
  expect(testResults).toHaveLength(SUITES.length);
});

interface TestFile {
  name: string;
  status: string;
  message: string;
  assertionResults: { status: string; fullName: string }[];
}
