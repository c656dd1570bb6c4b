import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocalCloudFormation } from './helpers/local-cloudformation.ts';
import { packaged, REQUIRED } from './helpers/packaged-template.ts';
import { awsClis, createShell, type PrintedBlock, printedBlocks } from './helpers/printed-commands.ts';
import { startTestSandbox, type TestSandbox } from './helpers/sandbox.ts';

// Each command of these pages, as it is printed there, with every AWS CLI of this machine: against the sandbox if it has
// a stand-in for it. Else the command is sent to a closed port, so that at least the CLI takes it.
// But for what test/tools/explain.test.ts tries, and what changes a copy of this repository.
const NOT_HERE = /npm run explain|^git |^npx serverless/;
const BLOCKS = ['deployment.md', 'operations.md', 'queue.md', 'runbooks.md', 'upgrade.md']
  .flatMap(printedBlocks)
  .filter(({ commands }) => !NOT_HERE.test(commands));
const CLIS = awsClis();
const INSISTS = process.env.REQUIRE_AWS_CLI === '1';
if (CLIS.length === 0 && !INSISTS) console.warn('Skipped: no AWS CLI here. Install it (apt-get install awscli).');

it.runIf(INSISTS)('has an AWS CLI to try the commands with', () => {
  expect(CLIS).not.toEqual([]);
});

/** Only AWS has what these are about. */
const NEEDS_AWS =
  /aws cloudformation|API_URL\/groups\/lobby|delete-log-group|replicate-secret-to-regions|get-queue-url|function-concurrency|service-quotas|list-event-source-mappings --region|describe-alarms/;

describe.each(CLIS)('with the AWS CLI $version', (cli) => {
  let sandbox: TestSandbox;
  let shell: ReturnType<typeof createShell>;
  const used = new Set<PrintedBlock>();

  beforeAll(async () => {
    sandbox = await startTestSandbox();
    shell = createShell(cli, { AWS_SESSION_TOKEN: sandbox.personToken });
  });
  afterAll(() => sandbox?.close());

  /** The blocks under a heading, in order. */
  function printed(page: string, heading: string): string[] {
    const found = BLOCKS.filter((one) => one.page === page && one.heading === heading);
    for (const block of found) used.add(block);
    return found.map(({ commands }) => commands);
  }
  /** The port that a command means, of the sandbox of this test. */
  const withPorts = (commands: string) =>
    commands.replaceAll(/http:\/\/127\.0\.0\.1:400([0-6])/g, (_, n) => {
      const { httpUrl, invokeUrl, awsUrl, im, issuer, consoleUrl } = sandbox;
      return [httpUrl, invokeUrl, awsUrl, im.primary.url, issuer.url, im.backup.url, consoleUrl][n] ?? '';
    });
  const [prelude = '', makeFailure = '', resetSecret = ''] = printed('runbooks.md', 'Rehearse on this machine');
  /** What the commands print. They must not fail. */
  async function run(commands: string, input?: string): Promise<string> {
    const { status, stdout, stderr } = await shell.run(withPorts(`${prelude}\n${commands}`), input);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: '',
    });
    return stdout;
  }
  const members = (groupId: string) => sandbox.im.primary.app.groups.members(groupId);
  const joined = (groupId: string) => expect.poll(() => members(groupId), { timeout: 15_000, interval: 100 });
  const LONG = 120_000;

  it('sends to the queue, and looks at what became of it', { timeout: LONG }, async () => {
    const [send = '', overHttp = ''] = printed('queue.md', 'Sending');
    await run(send);
    await joined('team-1').toEqual(expect.arrayContaining(['u1', 'u2']));
    expect(await run(overHttp)).toContain('HTTP/1.1 202');
    await joined('team-1').toContain('hank');
    sandbox.im.primary.app.groups.clear();
    for (const commands of printed('queue.md', 'Several senders')) await run(commands);
    await joined('team-1').toContain('u1');
    const [look = ''] = printed('queue.md', 'The dead-letter queue');
    sandbox.queue.send('nonsense');
    await expect.poll(() => run(look), { timeout: 15_000 }).toContain('INVALID_REQUEST');
    sandbox.deadLetterQueue.purge();
  });

  it('puts dead letters back', { timeout: LONG }, async () => {
    const [look = '', move = '', byHand = '', loop = ''] = printed('queue.md', 'The dead-letter queue');
    const letter = (user: string) => JSON.stringify({ groupId: 'letters', userIds: [user], requestId: 'r-1' });
    const attributes = { code: { DataType: 'String', StringValue: 'GROUP_FULL' } };
    sandbox.deadLetterQueue.send(letter('a'), attributes);
    expect(await run(look)).toContain('GROUP_FULL');
    if (cli.isCurrent) {
      await run(move);
      await joined('letters').toEqual(['a']);
    } else {
      expect((await shell.run(withPorts(`${prelude}\n${move}`))).stderr).toContain('Invalid choice');
      await run(`${byHand}\ntake && put_back`);
      await joined('letters').toEqual(['a']);
    }
    for (const user of ['用户', 'c']) sandbox.deadLetterQueue.send(letter(user), attributes);
    await run(`${byHand}\n${loop}`);
    await joined('letters').toEqual(expect.arrayContaining(['用户', 'c']));
    expect(sandbox.deadLetterQueue.bodies()).toEqual([]);
    sandbox.deadLetterQueue.send(letter('wrong'));
    await run(`${byHand}\ntake\nsed -i s/wrong/right/ body.json\nput_back`);
    await joined('letters').toContain('right');
    expect(sandbox.deadLetterQueue.bodies()).toEqual([]);
  });

  it('replays failed invocations, one and all', { timeout: LONG }, async () => {
    const [functions = '', look = '', again = '', all = ''] = printed('runbooks.md', 'Replay failed invocations');
    const failed = () => sandbox.failedInvocationQueue.bodies().length;
    await run(makeFailure);
    await expect.poll(failed, { timeout: 10_000 }).toBe(1);
    expect(await run(`${functions}\n${look}`)).toContain('UPSTREAM_REJECTED');
    sandbox.im.primary.fault.set({ kind: 'status', status: 400, body: '{"code":1002}', calls: 1 });
    expect((await run(again)).trim()).toBe('Unhandled');
    expect((await run(again)).trim()).toBe('None');
    expect(members('team-1')).toContain('ivy');
    expect(failed()).toBe(1);
    await run(`${functions}\ndrop_failed`);
    expect(failed()).toBe(0);
    sandbox.im.primary.app.groups.clear();
    for (const expected of [1, 2]) {
      await run(makeFailure);
      await expect.poll(failed, { timeout: 10_000 }).toBe(expected);
    }
    await run(`${functions}\n${all}`);
    await joined('team-1').toEqual(['ivy']);
    expect(failed()).toBe(0);
  });

  it('pauses the queue, empties it, and goes on', { timeout: LONG }, async () => {
    const [pause = ''] = printed('runbooks.md', 'Pause the queue');
    const goOn = pause.replace('--no-enabled', '--enabled');
    const [look = '', empty = ''] = printed('runbooks.md', 'Empty a queue');
    const message = (user: string) => JSON.stringify({ groupId: 'paused', userIds: [user] });
    expect(await run(pause)).toContain('"Disabled"');
    sandbox.queue.send(message('lost'));
    expect(await run(look)).toContain('lost');
    expect(sandbox.queue.counts).toEqual({ ready: 1, hidden: 0, delayed: 0 });
    await run(empty);
    expect(sandbox.queue.bodies()).toEqual([]);
    sandbox.queue.send(message('kept'));
    expect(await run(goOn)).toContain('"Enabled"');
    await joined('paused').toEqual(['kept']);
  });

  it('deletes what one client has put on the queue, and nothing else', { timeout: LONG }, async () => {
    const [deleteTheirs = ''] = printed('runbooks.md', 'A leaked token');
    const [pause = ''] = printed('runbooks.md', 'Pause the queue');
    const goOn = pause.replace('--no-enabled', '--enabled');
    await run(pause);
    const send = async (client: string, user: string) => {
      const token = await sandbox.issuer.token({ sub: client, client_id: client, scope: 'group:join' });
      const body = JSON.stringify({ userIds: [user] });
      const { status } = await sandbox.post('leaked', { token, body, headers: { Prefer: 'respond-async' } });
      expect(status).toBe(202);
    };
    for (let i = 0; i < 12; i++) await send('backend', `victim-${i}`);
    await send('another', 'friend');
    await run(deleteTheirs);
    expect(sandbox.queue.counts).toEqual({ ready: 0, hidden: 1, delayed: 0 });
    expect(sandbox.queue.bodies().join()).toContain('friend');
    sandbox.queue.purge();
    await run(goOn);
  });

  it('rotates the secret without a word of it in a command', { timeout: LONG }, async () => {
    const [rotate = ''] = printed('operations.md', 'Rotating the App Secret');
    await sandbox.invoke({ groupId: 'before', userIds: ['a'] });
    await run(resetSecret);
    const traced = `aws() { echo "$@" >> arguments; command aws --endpoint-url http://127.0.0.1:4002 "$@"; }\n${rotate}`;
    await run(traced, `${sandbox.appKey}\nthe-new-secret\n`);
    expect(sandbox.secrets.get('rongcloud/app')).toBe('{"appKey":"sandbox-app-key","appSecret":"the-new-secret"}');
    expect(readFileSync(join(shell.folder, 'arguments'), 'utf8')).toContain('put-secret-value');
    expect(readFileSync(join(shell.folder, 'arguments'), 'utf8')).not.toContain('the-new-secret');
    // The first call is refused and reads the secret again.
    const { functionError } = await sandbox.invoke({ groupId: 'rotated', userIds: ['a'] });
    expect(functionError).toBeUndefined();
    expect(members('rotated')).toEqual(['a']);
    const codes = sandbox.im.primary.calls.filter((call) => call.groupId === 'rotated').map(({ code }) => code);
    expect(codes).toEqual([1004, 200]);
  });

  it('changes the secret only with the token that npm start prints', { timeout: LONG }, async () => {
    const [rotate = ''] = printed('operations.md', 'Rotating the App Secret');
    const before = sandbox.secrets.get('rongcloud/app');
    const stranger = `export AWS_SESSION_TOKEN=guess\n${rotate}`;
    const { stderr } = await shell.run(withPorts(`${prelude}\n${stranger}`), 'key\nstolen\n');
    expect(stderr).toContain('AccessDenied');
    expect(sandbox.secrets.get('rongcloud/app')).toBe(before);
  });

  it('imports the queues and logs that a removed stack left', { timeout: LONG }, async () => {
    const [commands = ''] = printed('runbooks.md', 'Import kept queues');
    const { first, Resources, Outputs } = await packaged('prod', REQUIRED);
    mkdirSync(join(shell.folder, '.serverless'));
    for (const [step, template] of Object.entries({ create: first, update: { Resources, Outputs } }))
      writeFileSync(
        join(shell.folder, `.serverless/cloudformation-template-${step}-stack.json`),
        JSON.stringify(template),
      );
    symlinkSync(fileURLToPath(new URL('../tools', import.meta.url)), join(shell.folder, 'tools'));
    const { stack, url, close } = await startLocalCloudFormation();
    const sent = `aws() { command aws --endpoint-url ${url} "$@"; }\nnpm() { echo "$@" >> npm; }`;
    await run(`STAGE=prod\n${sent}\n${commands}`);
    close();
    expect(stack.status).toBe('IMPORT_COMPLETE');
    expect([...stack.imported.keys()].sort()).toEqual([
      ...['FailedInvocationQueue', 'HttpApiLogGroup', 'HttpLogGroup', 'InvokeLogGroup'],
      ...['JoinDeadLetterQueue', 'JoinQueue', 'QueueLogGroup'],
    ]);
    expect(stack.imported.get('JoinDeadLetterQueue')?.identifier.QueueUrl).toMatch(/joins-dead$/);
    expect(Object.keys(stack.template.Resources)).toHaveLength(9);
    const scripts = ['package', 'deploy'].map((script) => `run ${script} -- --stage prod --region us-east-1\n`);
    expect(readFileSync(join(shell.folder, 'npm'), 'utf8')).toBe(scripts.join(''));
  });

  it('takes the commands that only AWS can carry out', { timeout: 4 * LONG }, async () => {
    const blocks = BLOCKS.filter(({ commands }) => NEEDS_AWS.test(commands) && !commands.includes('IMPORT'));
    for (const block of blocks) used.add(block);
    expect(blocks.length).toBeGreaterThanOrEqual(4);
    const nowhere = 'aws() { command aws --endpoint-url http://127.0.0.1:9 "$@"; }\nSTAGE=prod';
    const keys = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x', AWS_DEFAULT_REGION: 'us-east-1' };
    const closed = createShell(cli, { ...keys, AWS_MAX_ATTEMPTS: '1' });
    for (const { commands } of blocks) {
      const lines = commands.split('\n').filter((line) => /\baws /.test(line));
      for (const line of lines) {
        const { stderr } = await closed.run(
          `${nowhere}\nJOIN_QUEUE_URL=http://127.0.0.1:9/0/q\nDEAD_LETTER_QUEUE_URL=$JOIN_QUEUE_URL\n${line}`,
        );
        expect(stderr.trim(), line).toMatch(/^Could not connect to the endpoint URL: \S+$/);
      }
    }
  });

  it('has tried all that is printed', () => {
    expect(BLOCKS.filter((block) => !used.has(block)).map(({ page, heading }) => `${page} ${heading}`)).toEqual([]);
    expect(existsSync(join(shell.folder, 'event.json'))).toBe(true);
  });
});
