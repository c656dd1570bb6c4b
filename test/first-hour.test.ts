import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from './helpers/sandbox.ts';
import { IS_SHIPPED_RULE } from './helpers/shipped-rule.ts';

// What the README and docs/api.md print to be tried with curl, and what they say that it answers under the shipped rule.
const read = (page: string): string => readFileSync(new URL(`../${page}`, import.meta.url), 'utf8');
const blocks = (page: string, heading: string, language: string): string[] => {
  const [, part = ''] = read(page).split(new RegExp(`^#+ ${heading}$`, 'm'));
  const [section = ''] = part.split(/^#/m);
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, text = '']) => text,
  );
};
const [call = ''] = blocks('README.md', 'Call it', 'sh');
const [asAUser = '', withUnknown = ''] = blocks('docs/api.md', 'Join by curl', 'sh');
const PRINTED = blocks('README.md', 'Call it', 'text').map(answerIn);

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox?.close());

/** Runs printed commands against this test's sandbox, and gives the HTTP answers that `curl -i` printed. */
async function run(commands: string): Promise<object[]> {
  const { httpUrl, issuer, consoleUrl } = sandbox;
  const urls: Record<string, string> = { 0: httpUrl, 4: issuer.url, 6: consoleUrl };
  const here = commands.replaceAll(/http:\/\/127\.0\.0\.1:400([046])/g, (_, port) => urls[port] ?? '');
  const { stdout } = await promisify(execFile)('bash', ['-c', here]);
  return stdout
    .slice(stdout.indexOf('HTTP/1.1 '))
    .split(/(?=HTTP\/1\.1 )/)
    .map(answerIn);
}

/** The status and the body of an answer, printed or real. Each answer has a request id of its own. */
function answerIn(text: string): { status: string; body: Record<string, unknown> } {
  const status = /^HTTP\/1\.1 (.+?)\r?$/m.exec(text)?.[1] ?? '';
  const body = JSON.parse(text.slice(text.search(/^\{/m)));
  expect(body.requestId).toMatch(/^[\w-]{36}$/);
  return { status, body: { ...body, requestId: 'its own' } };
}

it('the README prints the answer to its command', async () => {
  expect(await run(call)).toEqual(PRINTED.slice(0, 1));
});

it('the README prints what a backend gets for a user whom RongCloud does not know', async () => {
  expect(await run(withUnknown)).toEqual(PRINTED.slice(1, 2));
});

it.runIf(IS_SHIPPED_RULE)('the README prints what a user gets whose token grants other groups', async () => {
  const joined = { groupId: 'team-1', joined: ['bob'], requestId: 'its own' };
  expect(await run(asAUser)).toEqual([{ status: '200 OK', body: joined }, ...PRINTED.slice(2)]);
});
