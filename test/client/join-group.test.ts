import type net from 'node:net';
import { type InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it, vi } from 'vitest';
import { createJoinGroup } from '../../client/join-group.ts';
import { JoinError, type JoinErrorCode } from '../../lib/errors.ts';
import type { JoinUsers } from '../../lib/join/join-users.ts';
import { clockOf } from '../helpers/clock-of.ts';
import { createInvokeHandler } from '../helpers/described-doors.ts';
import { answers as answering, inTurn, response, startFaultyServer, writes } from '../helpers/faulty-server.ts';

const input = { groupId: 'g', userIds: ['a', 'b', 'a', 'c'] };
const payload = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
type Send = (command: InvokeCommand) => Promise<unknown>;

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** What the client makes of an answer of Lambda, or of what the SDK throws. */
const given = (send: Send, more = {}) =>
  createJoinGroup({ functionName: 'f', client: { send: send as never } })({ ...input, ...more });

/** Lambda with the Invoke door in it. */
function door(joinUsers: JoinUsers): Send {
  const telemetry = { request: () => {}, sending: () => {} };
  const handler = createInvokeHandler({ joinUsers, telemetry, clock: clockOf(() => 0) });
  return async ({ input: { Payload } }) => {
    const event: unknown = JSON.parse(String(Payload));
    try {
      const result = await handler(event, { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 30_000 });
      return { Payload: payload(result) };
    } catch (error) {
      const { name, message } = error as Error;
      return { FunctionError: 'Unhandled', Payload: payload({ errorType: name, errorMessage: message, trace: [] }) };
    }
  };
}
const fails = (code: JoinErrorCode): JoinUsers => {
  return async ({ groupId, userIds }) => ({
    groupId,
    joined: userIds.slice(1),
    failed: [{ offset: 0, userIds: userIds.slice(0, 1), error: new JoinError(code, { upstreamCode: 405 }) }],
  });
};

describe('the client, with the Invoke door', () => {
  it('says who joined', async () => {
    const joins = door(async ({ groupId, userIds }) => ({ groupId, joined: userIds, failed: [] }));
    const requestId = 'mine';
    const joined = { kind: 'joined', groupId: 'g', joined: ['a', 'b', 'c'], requestId };
    expect(await given(joins, { requestId })).toEqual(joined);
  });

  it('gives positions back as users, in the list without duplicates', async () => {
    const failure = { code: 'GROUP_FULL', outcome: 'rejected', retryable: false };
    expect(await given(door(fails('GROUP_FULL')))).toEqual({
      kind: 'partial',
      groupId: 'g',
      ...failure,
      detail: 'The group has no room for these users.',
      requestId: 'aws-1',
      upstreamCode: 405,
      joined: ['b', 'c'],
      failed: [{ userIds: ['a'], ...failure }],
      undecided: [],
    });
  });

  it('says which users are undecided, among those who failed', async () => {
    const joinUsers: JoinUsers = async ({ groupId, userIds }) => ({
      groupId,
      joined: userIds.slice(1, 2),
      failed: [
        { offset: 0, userIds: userIds.slice(0, 1), error: new JoinError('UPSTREAM_REJECTED') },
        { offset: 2, userIds: userIds.slice(2), error: new JoinError('UNDECIDED', { outcome: 'unknown' }) },
      ],
    });
    expect(await given(door(joinUsers))).toMatchObject({
      kind: 'partial',
      code: 'UPSTREAM_REJECTED',
      joined: ['b'],
      failed: [
        { userIds: ['a'], code: 'UPSTREAM_REJECTED' },
        { userIds: ['c'], code: 'UNDECIDED', outcome: 'unknown', retryable: true },
      ],
      undecided: ['c'],
    });
  });

  it('says that nobody joined where nobody did', async () => {
    const error = new JoinError('UNDECIDED');
    const joinUsers: JoinUsers = async ({ groupId, userIds }) => ({
      groupId,
      joined: [],
      failed: [{ offset: 0, userIds, error }],
    });
    const users = ['a', 'b', 'c'];
    expect(await given(door(joinUsers))).toMatchObject({ kind: 'failed', joined: [], undecided: users });
  });

  it.each<[string, number]>([
    ['everyone joined', 0],
    ['somebody failed', 1],
  ])('says why the group did not get its name, where %s', async (_name, count) => {
    const nameError = new JoinError('UPSTREAM_REJECTED', { upstreamCode: 1002 });
    const joinUsers: JoinUsers = async ({ groupId, userIds }) => ({
      groupId,
      joined: userIds.slice(count),
      failed: count > 0 ? [{ offset: 0, userIds: userIds.slice(0, count), error: new JoinError('GROUP_FULL') }] : [],
      nameError,
    });
    expect(await given(door(joinUsers), { groupName: 'N' })).toMatchObject({
      kind: 'partial',
      code: count > 0 ? 'GROUP_FULL' : 'UPSTREAM_REJECTED',
      joined: ['a', 'b', 'c'].slice(count),
      failed: count > 0 ? [{ userIds: ['a'] }] : [],
      nameError: { code: 'UPSTREAM_REJECTED', outcome: 'rejected', retryable: false, upstreamCode: 1002 },
    });
  });

  it('gives a bad input back as what the function says of it', async () => {
    const result = await given(door(fails('INTERNAL')), { groupId: ' ' });
    const failure = { code: 'INVALID_REQUEST', outcome: 'not_sent', retryable: false };
    expect(result).toMatchObject({ kind: 'failed', ...failure, joined: [], errors: [{ pointer: '/groupId' }] });
    expect(result).toMatchObject({ failed: [{ userIds: ['a', 'b', 'c'], ...failure }] });
  });
});

describe('the client, without an answer of the function', () => {
  const lambdaError = (name: string, status?: number) => async () => {
    throw Object.assign(new Error('planted'), { name, ...(status && { $metadata: { httpStatusCode: status } }) });
  };
  const answers = (value: unknown, more: object = { FunctionError: 'Unhandled' }) => {
    return async () => ({ ...more, Payload: payload(value) });
  };
  const joined = (groupId: string, ...users: string[]) => answers({ groupId, joined: users, requestId: 'r' }, {});
  const problem = { code: 'GROUP_FULL', outcome: 'rejected', retryable: false, detail: 'x', requestId: 'r', joined: 0 };
  const thrown = (value: object) => answers({ errorType: 'GROUP_FULL', errorMessage: JSON.stringify(value) });
  const part = { code: 'GROUP_FULL', outcome: 'rejected', retryable: false };
  const at = (offset: unknown, count: unknown) =>
    thrown({ ...problem, joined: 2, failed: [{ offset, count, ...part }] });

  it.each<[string, Send, string, string, boolean]>([
    ['throttled', lambdaError('TooManyRequestsException', 429), 'INVOKE_THROTTLED', 'not_sent', true],
    ['no right', lambdaError('AccessDeniedException', 403), 'INVOKE_REFUSED', 'not_sent', false],
    ['no function', lambdaError('ResourceNotFoundException', 404), 'INVOKE_REFUSED', 'not_sent', false],
    ['too large', lambdaError('RequestTooLargeException', 413), 'INVOKE_REFUSED', 'not_sent', false],
    ['an update', lambdaError('ResourceConflictException', 409), 'INVOKE_REFUSED', 'not_sent', true],
    ['no credentials', lambdaError('CredentialsProviderError'), 'INVOKE_REFUSED', 'not_sent', false],
    ['Lambda fails', lambdaError('ServiceException', 500), 'INVOKE_FAILED', 'unknown', true],
    ['no answer in time', lambdaError('TimeoutError'), 'INVOKE_FAILED', 'unknown', true],
    ['no connection', lambdaError('Error'), 'INVOKE_FAILED', 'unknown', true],
    [
      'out of time',
      answers({ errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out' }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    [
      'out of memory',
      answers({ errorType: 'Runtime.ExitError', errorMessage: 'killed' }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    ['an error without a type', answers({ errorMessage: 'Task timed out' }), 'FUNCTION_FAILED', 'unknown', true],
    ['an error that is no JSON', answers('<html>'), 'FUNCTION_FAILED', 'unknown', true],
    ['an answer that is no JSON', answers('<html>', {}), 'FUNCTION_FAILED', 'unknown', true],
    ['another answer', answers({ ok: true }, {}), 'FUNCTION_FAILED', 'unknown', true],
    [
      'a join that names no group',
      answers({ kind: 'x', requestId: 'r', joined: [] }, {}),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    ['a message that is no text', answers({ errorMessage: { toString: 1 } }), 'FUNCTION_FAILED', 'unknown', true],
    [
      'users who failed twice',
      thrown({ ...problem, joined: 2, failed: Array(2).fill({ offset: 0, count: 1, ...part }) }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    ['half a position', at(0.5, 1), 'FUNCTION_FAILED', 'unknown', true],
    ['a position before the first', at(-1, 3), 'FUNCTION_FAILED', 'unknown', true],
    ['a position beyond the last', at(3, 1), 'FUNCTION_FAILED', 'unknown', true],
    ['positions beyond the last', at(2, 5), 'FUNCTION_FAILED', 'unknown', true],
    ['more positions than numbers count', at(2, 1e308), 'FUNCTION_FAILED', 'unknown', true],
    [
      'a position of nobody',
      thrown({ ...problem, joined: 3, failed: [{ offset: 0, count: 0, ...part }] }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    [
      'some who joined and nobody else',
      thrown({ ...problem, joined: 2, failed: [] }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    [
      'everyone who joined and no failure',
      thrown({ ...problem, joined: 3, failed: [] }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    [
      'a name and too few users',
      thrown({ ...problem, joined: 2, failed: [], nameError: part }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    [
      'half a failure of a name',
      thrown({ ...problem, joined: 3, failed: [], nameError: { code: 'GROUP_FULL' } }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    ['nothing', async () => ({}), 'FUNCTION_FAILED', 'unknown', true],
    ['an empty answer', async () => ({ Payload: null }), 'FUNCTION_FAILED', 'unknown', true],
    ['no answer object', async () => undefined, 'FUNCTION_FAILED', 'unknown', true],
    [
      'an answer that breaks',
      async () => ({ FunctionError: undefined, Payload: revoked() }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
    ['another group', joined('other', 'a', 'b', 'c'), 'FUNCTION_FAILED', 'unknown', true],
    ['fewer users', joined('g', 'a', 'b'), 'FUNCTION_FAILED', 'unknown', true],
    ['one user for another', joined('g', 'a', 'b', 'd'), 'FUNCTION_FAILED', 'unknown', true],
    ['a user twice', joined('g', 'a', 'b', 'b'), 'FUNCTION_FAILED', 'unknown', true],
    ['a user too many', joined('g', 'a', 'b', 'c', 'd'), 'FUNCTION_FAILED', 'unknown', true],
    ['half a problem', thrown({ code: 'GROUP_FULL', failed: [] }), 'FUNCTION_FAILED', 'unknown', true],
    [
      'too many positions',
      thrown({ ...problem, failed: [{ offset: 0, count: 1, ...part }] }),
      'FUNCTION_FAILED',
      'unknown',
      true,
    ],
  ])('says of %s what became of everyone', async (_name, send, code, outcome, retryable) => {
    const failure = { code, outcome, retryable };
    const result = await given(send);
    expect(result).toMatchObject({ kind: 'failed', groupId: 'g', ...failure, joined: [] });
    expect(result).toMatchObject({ failed: [{ userIds: ['a', 'b', 'c'], ...failure }] });
    const words = outcome === 'unknown' ? 'repeating is safe' : 'Nothing was sent';
    expect(result).toHaveProperty('detail', expect.stringContaining(words));
    expect(result).toHaveProperty('detail', expect.not.stringContaining('planted'));
  });

  it('takes the users in any order', async () => {
    expect(await given(joined('g', 'c', 'a', 'b'))).toMatchObject({ kind: 'joined', joined: ['c', 'a', 'b'] });
  });

  it('says why a function ended', async () => {
    const result = await given(answers({ errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out' }));
    expect(result).toHaveProperty('detail', expect.stringContaining('Sandbox.Timedout: Task timed out'));
  });
});

describe('the client never throws', () => {
  const throwing = new Proxy({}, { get: () => Symbol('planted'), has: () => true });
  const circular: Record<string, unknown> = { groupId: 'g', userIds: ['a'] };
  circular.self = circular;
  const send: Send = async () => {
    throw new Error('nothing is to be sent');
  };
  const notSent = { code: 'INVALID_REQUEST', outcome: 'not_sent', retryable: false };

  it.each<[string, unknown, string, string[]]>([
    ['a bigint', { groupId: 'g', userIds: [1n] }, 'g', []],
    ['a bigint beside a user', { groupId: 'g', userIds: ['a', 1n, 'a'] }, 'g', ['a']],
    ['a circle', circular, 'g', ['a']],
    ['nothing', undefined, '', []],
    ['a function', () => undefined, '', []],
    ['a revoked proxy', revoked(), '', []],
    [
      'a getter that throws',
      {
        groupId: 'g',
        get userIds() {
          throw new Error('planted');
        },
      },
      '',
      [],
    ],
  ])('for %s in place of an input, and sends nothing', async (_name, odd, groupId, users) => {
    const result = await createJoinGroup({ functionName: 'f', client: { send: send as never } })(odd as never);
    expect(result).toMatchObject({ kind: 'failed', groupId, ...notSent, joined: [] });
    expect(result).toHaveProperty('failed', users.length > 0 ? [{ userIds: users, ...notSent }] : []);
    expect(result).toHaveProperty('detail', expect.stringContaining('Nothing was sent'));
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a revoked proxy', revoked()],
    ['what answers everything', throwing],
    ['an error without a prototype', Object.setPrototypeOf(new Error('planted'), null)],
  ])('for %s that is thrown in place of an answer', async (_name, thrown) => {
    const result = await given(() => Promise.reject(thrown));
    expect(result).toMatchObject({ kind: 'failed', code: 'INVOKE_FAILED', outcome: 'unknown', joined: [] });
  });
});

describe('the client of the AWS SDK', () => {
  function environment(url: string, region = 'us-east-1'): void {
    vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', url);
    vi.stubEnv('AWS_REGION', region);
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  }
  const FAILED = { kind: 'failed', code: 'INVOKE_FAILED', outcome: 'unknown', retryable: true };
  const UNSENT = { kind: 'failed', code: 'INVOKE_REFUSED', outcome: 'not_sent', retryable: false };

  it.each([
    ['no region', '', 'f'],
    ['no function', 'us-east-1', undefined],
  ])('says that nothing was sent with %s', async (_name, region, functionName) => {
    const server = await startFaultyServer(answering(200, '{}'));
    environment(server.url, region);
    const result = await createJoinGroup({ functionName: functionName as string })(input);
    expect(result).toMatchObject({ ...UNSENT, cause: expect.any(Error), failed: [{ userIds: ['a', 'b', 'c'] }] });
    expect(server.seen).toEqual([]);
    await server.close();
  });

  it('says that the users may have joined once a request went out', async () => {
    const server = await startFaultyServer(writes('', (socket) => socket.destroy()));
    environment(server.url);
    expect(await createJoinGroup({ functionName: 'f' })(input)).toMatchObject(FAILED);
    expect(server.seen).toHaveLength(1);
    await server.close();
  });

  it.each([
    ['a throttle', 429, 'TooManyRequestsException'],
    ['a refusal', 403, 'AccessDeniedException'],
  ])('does not say that nothing was sent after %s that ends a repetition', async (_name, status, type) => {
    const refusal = answering(status, '{}', { 'x-amzn-errortype': type });
    const server = await startFaultyServer(inTurn(answering(500, '{}'), refusal));
    environment(server.url);
    const client = new LambdaClient({ maxAttempts: 2 });
    expect(await createJoinGroup({ functionName: 'f', client })(input)).toMatchObject({
      ...FAILED,
      detail: expect.stringContaining(type),
      failed: [{ userIds: ['a', 'b', 'c'], outcome: 'unknown' }],
    });
    expect(server.seen).toHaveLength(2);
    await server.close();
  });

  it('reads an answer without a body', async () => {
    const server = await startFaultyServer(answering(200, ''));
    environment(server.url);
    expect(await createJoinGroup({ functionName: 'f' })(input)).toMatchObject({ code: 'FUNCTION_FAILED' });
    await server.close();
  });

  it.each([
    ['headers whose body never comes', writes(response(200, '', { 'Content-Length': '100' }))],
    ['half an answer', writes(response(200, '{"groupId"', { 'Content-Length': '100' }))],
    ['nothing at all', {}],
  ])('waits 35 seconds for %s, and lets go', async (_name, behavior) => {
    let open = 0;
    const onConnection = (socket: net.Socket) => {
      open += 1;
      socket.on('close', () => {
        open -= 1;
      });
    };
    const server = await startFaultyServer({ ...behavior, onConnection });
    environment(server.url);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let result: unknown;
      const asked = createJoinGroup({ functionName: 'f' })(input).then((it) => {
        result = it;
      });
      for (let turns = 0; server.seen.length === 0 && turns < 100_000; turns++) await new Promise(setImmediate);
      // The answer's headers, if there are any, are read.
      for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
      await vi.advanceTimersByTimeAsync(34_999);
      expect(result).toBeUndefined();
      await vi.advanceTimersByTimeAsync(1);
      await asked;
      expect(result).toMatchObject({ ...FAILED, detail: expect.stringContaining('TimeoutError') });
    } finally {
      vi.useRealTimers();
    }
    await expect.poll(() => open).toBe(0);
    await server.close();
  });
});
