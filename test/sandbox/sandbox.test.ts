import net from 'node:net';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createJoinGroup } from '../../client/join-group.ts';
import { isMetrics } from '../../sandbox/lambda/functions.ts';
import { SERVICE } from '../helpers/claims.ts';
import { startTestSandbox, type TestSandbox } from '../helpers/sandbox.ts';

let sandbox: TestSandbox;
let service: string;
beforeAll(async () => {
  sandbox = await startTestSandbox();
  service = await sandbox.issuer.token(SERVICE);
});
afterAll(() => sandbox?.close());
beforeEach(() => {
  im().app.groups.clear();
  for (const domain of [im(), sandbox.im.backup]) {
    domain.calls.length = 0;
    domain.fault.set(undefined);
  }
});

const im = () => sandbox.im.primary;
const people = (count: number) => Array.from({ length: count }, (_, i) => `user-${i}`);

describe('the Invoke door, end to end', () => {
  it('joins without a token', async () => {
    const { functionError, payload } = await sandbox.invoke({ groupId: 'g', userIds: people(2500), requestId: 'mine' });
    expect(functionError).toBeUndefined();
    expect(payload).toEqual({ groupId: 'g', joined: people(2500), requestId: 'mine' });
    expect(im().app.groups.members('g')).toEqual(people(2500));
    expect(im().calls.map(({ headers }) => headers['x-request-id'])).toEqual(['mine', 'mine', 'mine']);
  });

  it('gives a failed join as a function error that is the problem, without ids or a stack', async () => {
    im().fault.set({ kind: 'status', status: 400, body: '{"code":1002,"errorMessage":"planted"}' });
    const { functionError, payload, text } = await sandbox.invoke({ groupId: 'planted-g', userIds: ['planted-u'] });
    expect(functionError).toBe('Unhandled');
    expect(payload).toEqual({ errorType: 'UPSTREAM_REJECTED', errorMessage: expect.any(String), trace: [] });
    expect(JSON.parse(String(payload.errorMessage))).toMatchObject({
      code: 'UPSTREAM_REJECTED',
      status: 422,
      outcome: 'rejected',
      upstreamCode: 1002,
      joined: 0,
      failed: [{ offset: 0, count: 1, code: 'UPSTREAM_REJECTED', outcome: 'rejected', retryable: false }],
    });
    expect(text).not.toContain('planted');
  });

  it('refuses a bad event as a function error', async () => {
    const { payload } = await sandbox.invoke({ groupId: 'g', userIds: [], admin: true });
    expect(payload.errorType).toBe('INVALID_REQUEST');
    expect(JSON.parse(String(payload.errorMessage)).errors).toEqual([{ pointer: '', detail: 'Unknown key.' }]);
    expect(im().calls).toEqual([]);
  });

  it('takes an asynchronous invocation and outlives its failure', async () => {
    const url = `${sandbox.invokeUrl}/2015-03-31/functions/${sandbox.invokeFunctionName}/invocations`;
    const send = (body: string, type = 'Event') =>
      fetch(url, { method: 'POST', body, headers: { 'X-Amz-Invocation-Type': type } });
    expect((await send('{"groupId":""}')).status).toBe(202);
    expect((await send('{"groupId":"g","userIds":["a"]}')).status).toBe(202);
    await expect.poll(() => im().app.groups.members('g'), { timeout: 10_000 }).toEqual(['a']);
    expect((await send('{"groupId":"g","userIds":["b"]}', 'RequestResponse')).status).toBe(200);
  });

  it('is found by its ARN, and nothing else is found', async () => {
    const call = (name: string) =>
      fetch(`${sandbox.invokeUrl}/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, {
        method: 'POST',
        body: '{"groupId":"g","userIds":["a"]}',
      });
    const arn = `arn:aws:lambda:us-east-1:000000000000:function:${sandbox.invokeFunctionName}`;
    expect((await call(arn)).status).toBe(200);
    expect((await call(`${arn}:1`)).status).toBe(200);
    const unknown = await call('other');
    expect([unknown.status, unknown.headers.get('x-amzn-errortype')]).toEqual([404, 'ResourceNotFoundException']);
  });

  it('runs nothing for a dry run, nor for a function or a type of invocation that there is not', async () => {
    const call = async (name: string, type: string) => {
      const response = await fetch(`${sandbox.invokeUrl}/2015-03-31/functions/${name}/invocations`, {
        method: 'POST',
        body: '{"groupId":"g","userIds":["a"]}',
        headers: { 'X-Amz-Invocation-Type': type },
      });
      return response.status;
    };
    expect(await call(sandbox.invokeFunctionName, 'DryRun')).toBe(204);
    expect(await call(sandbox.invokeFunctionName, 'Nonsense')).toBe(400);
    expect(await call('other', 'Event')).toBe(404);
    expect(im().calls).toEqual([]);
  });

  it('refuses a payload that is not JSON', async () => {
    const url = `${sandbox.invokeUrl}/2015-03-31/functions/${sandbox.invokeFunctionName}/invocations`;
    expect((await fetch(url, { method: 'POST', body: '{' })).status).toBe(400);
  });

  it('refuses a payload over 6 MB, and over 1 MB if nobody waits', async () => {
    const url = `${sandbox.invokeUrl}/2015-03-31/functions/${sandbox.invokeFunctionName}/invocations`;
    const send = async (bytes: number, type: string) => {
      const body = '{}'.padEnd(bytes);
      const response = await fetch(url, { method: 'POST', body, headers: { 'X-Amz-Invocation-Type': type } });
      return [response.status, response.headers.get('x-amzn-errortype')];
    };
    const tooLarge = [413, 'RequestTooLargeException'];
    expect(await send(6 * 1024 * 1024 + 1, 'RequestResponse')).toEqual(tooLarge);
    expect(await send(1024 * 1024 + 1, 'Event')).toEqual(tooLarge);
    expect((await send(6 * 1024 * 1024, 'RequestResponse'))[0]).toBe(200);
    expect((await send(1024 * 1024, 'Event'))[0]).toBe(202);
  });
});

describe('the client of the Invoke door, end to end', () => {
  let client: LambdaClient;
  beforeAll(() => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    client = new LambdaClient({ endpoint: sandbox.invokeUrl, region: 'us-east-1', credentials, maxAttempts: 1 });
  });
  afterAll(() => client?.destroy());

  it('joins, and says who did not fit', async () => {
    const joinGroup = createJoinGroup({ functionName: sandbox.invokeFunctionName, client });
    expect(await joinGroup({ groupId: 'g', userIds: ['first'] })).toMatchObject({ kind: 'joined', joined: ['first'] });
    const result = await joinGroup({ groupId: 'g', userIds: people(3000) });
    expect(result).toMatchObject({ kind: 'partial', code: 'GROUP_FULL', outcome: 'rejected', retryable: false });
    // One place was taken.
    expect(result.joined).toHaveLength(2999);
    expect(result).toMatchObject({ failed: [{ userIds: [expect.any(String)], code: 'GROUP_FULL' }] });
  });

  it('says that there is no such function', async () => {
    const joinGroup = createJoinGroup({ functionName: 'nothing', client });
    const result = await joinGroup({ groupId: 'g', userIds: ['a'] });
    expect(result).toMatchObject({ code: 'INVOKE_REFUSED', outcome: 'not_sent', retryable: false });
  });
});

describe('the stand-ins', () => {
  const raw = (port: number, bytes: string) =>
    new Promise<string>((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
        socket.end();
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
      setTimeout(() => socket.destroy(), 500);
    });
  const request = (line: string, headers: string[], body = '') =>
    [line, 'Host: 127.0.0.1', `Content-Length: ${body.length}`, ...headers, '', body].join('\r\n');

  it('outlive nonsense', async () => {
    const ports = [sandbox.httpUrl, sandbox.invokeUrl, sandbox.awsUrl, im().url].map((url) =>
      Number(new URL(url).port),
    );
    const nonsense = [
      request('POST // HTTP/1.1', []),
      request('POST http://[ HTTP/1.1', []),
      request('POST /2015-03-31/functions/%zz/invocations HTTP/1.1', []),
      request('OPTIONS * HTTP/1.1', []),
      request('POST /groups/%zz/members HTTP/1.1', ['Cookie: =;;=']),
      request('POST / HTTP/1.1', ['X-Amz-Target: secretsmanager.GetSecretValue'], 'null'),
      'POST /2015-03-31/functions/x/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{',
      'nonsense\r\n\r\n',
    ];
    for (const port of ports) {
      for (const bytes of nonsense) expect(await raw(port, bytes)).not.toMatch(/\bat .+:\d+|node_modules/);
    }
    expect((await sandbox.post('g', { token: service, body: '{"userIds":["a"]}' })).status).toBe(200);
    expect((await sandbox.invoke({ groupId: 'g', userIds: ['b'] })).functionError).toBeUndefined();
  }, 60_000);
});

describe('what users and logs get to see', () => {
  it('tells the log lines from the metrics, also that of a group named like a key of these', async () => {
    await sandbox.invoke({ groupId: '_aws', userIds: ['a'] });
    const lines = () => sandbox.logs.filter((line) => line.startsWith('{') && !isMetrics(line));
    await expect.poll(() => lines().filter((line) => line.includes('"groupId":"_aws"'))).toHaveLength(1);
    for (const line of lines()) expect(JSON.parse(line)).toHaveProperty('level');
    await expect.poll(() => sandbox.logs.filter(isMetrics).length).toBeGreaterThan(0);
  });

  it('never holds a stack, a secret, a token, a signature or a user', async () => {
    const answers: string[] = [];
    const nasty = [
      '{',
      '[]',
      '"x"',
      '{"userIds":{"a":1}}',
      `{"userIds":${'['.repeat(50_000)}`,
      '\u0000',
      '{"userIds":["planted-user-1 "]}',
    ];
    for (const body of nasty) answers.push((await sandbox.post('g', { token: service, body })).text);
    const planted = JSON.stringify({ userIds: ['planted-user-1', 'planted-user-2'] });
    const start = im().calls.length;
    for (const how of [
      undefined,
      { kind: 'status', status: 500, body: '<html>planted-upstream</html>' },
      { kind: 'status', status: 401, body: '{"code":1004,"errorMessage":"planted-upstream"}' },
      { kind: 'cut' },
      { kind: 'close' },
    ] as const) {
      im().fault.set(how);
      sandbox.im.backup.fault.set(how);
      answers.push((await sandbox.post('g', { token: service, body: planted })).text);
      answers.push((await sandbox.invoke({ groupId: 'g', userIds: ['planted-user-1'], groupName: 'x' })).text);
    }
    answers.push((await sandbox.post('g', { token: `${service}x` })).text);
    await expect.poll(() => sandbox.logs.length).toBeGreaterThan(10);

    const seen = im()
      .calls.slice(start)
      .flatMap(({ headers }) => [headers.signature, headers.nonce].map(String));
    expect(seen.length).toBeGreaterThanOrEqual(20);
    const forbidden = [
      'sandbox-app-secret',
      'planted-user',
      'planted-upstream',
      service,
      service.split('.')[2] ?? '',
      ...seen,
    ];
    const logs = sandbox.logs.join('\n');
    for (const text of forbidden) expect(logs).not.toContain(text);
    for (const answer of answers) {
      // A stack, or a path or place in code.
      expect(answer).not.toMatch(/\bat .+:\d+|node_modules|\.mjs|stack/i);
      for (const text of forbidden.filter((value) => value !== 'planted-user')) expect(answer).not.toContain(text);
    }
    expect(logs).toContain('"groupId":"g"');
    expect(logs).toContain('UPSTREAM_UNAVAILABLE');
  });
});
