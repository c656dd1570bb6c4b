import { describe, expect, it, vi } from 'vitest';
import type { HttpDeps } from '../../functions/http.ts';
import { JoinError } from '../../lib/errors.ts';
import { createAuthenticator } from '../../lib/identity/authenticate.ts';
import { createOriginCheck } from '../../lib/identity/origin.ts';
import type { JoinUsers } from '../../lib/join/join-users.ts';
import { RequestLine } from '../../lib/telemetry/request-line.ts';
import { clockOf } from '../helpers/clock-of.ts';
import { createHttpHandler } from '../helpers/described-doors.ts';
import { FOREIGN_EVENTS } from '../helpers/foreign-events.ts';
import { alice, ask, failing, service } from '../helpers/http-door.ts';
import { RULES } from '../helpers/tokens.ts';

describe('the HTTP door', () => {
  it('joins the caller when there is no body', async () => {
    const { statusCode, headers, json, joinUsers } = await ask();
    expect(statusCode).toBe(200);
    expect(json).toEqual({ groupId: 'g', joined: ['alice'], requestId: 'aws-1' });
    expect(headers).toEqual({
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'X-Request-ID': 'aws-1',
    });
    // 15 s are left of the invocation, half a second of them for the answer.
    expect(joinUsers).toHaveBeenCalledWith(
      { groupId: 'g', userIds: ['alice'] },
      {
        requestId: 'aws-1',
        deadline: 1000 + 8000,
        log: expect.any(RequestLine),
      },
    );
  });

  it('joins whom a service names, duplicates once', async () => {
    const body = '{"userIds":["a","b","a"],"groupName":"Team"}';
    const { json, joinUsers } = await ask({ caller: service, body });
    expect(json.joined).toEqual(['a', 'b']);
    expect(joinUsers.mock.lastCall?.[0]).toEqual({ groupId: 'g', userIds: ['a', 'b'], groupName: 'Team' });
  });

  it('keeps a sane X-Request-ID and replaces any other', async () => {
    const kept = await ask({ headers: { 'x-request-id': 'mine-1' } });
    expect(kept.json.requestId).toBe('mine-1');
    expect(kept.headers).toMatchObject({ 'X-Request-ID': 'mine-1' });
    expect(kept.joinUsers.mock.lastCall?.[1].requestId).toBe('mine-1');
    expect((await ask({ headers: { 'x-request-id': 'a b' } })).json.requestId).toBe('aws-1');
  });

  it('answers 401 with a challenge and the same body whatever the reason', async () => {
    const authenticate = async () => {
      throw new JoinError('UNAUTHENTICATED', { cause: new Error('expired') });
    };
    const { statusCode, headers, json, joinUsers } = await ask({ authenticate });
    expect(statusCode).toBe(401);
    expect(headers).toMatchObject({
      'Content-Type': 'application/problem+json',
      'WWW-Authenticate': 'Bearer realm="groups", error="invalid_token"',
    });
    expect(json).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      code: 'UNAUTHENTICATED',
      detail: 'A valid bearer token is required.',
      requestId: 'aws-1',
      outcome: 'not_sent',
      retryable: false,
    });
    expect(joinUsers).not.toHaveBeenCalled();
  });

  it.each([
    ['Bearer x', true],
    ['bearer a.b.c', true],
    ['BEARER  x', true],
    ['Bearer a.b.c,Bearer a.b.c', true],
    [`Bearer ${'x'.repeat(20_000)}`, true],
    ['', false],
    ['Bearer', false],
    ['Bearer ', false],
    ['Bearerx', false],
    ['Basic YWxpY2U6c2VjcmV0', false],
    ['Basic Bearer x', false],
    ['x', false],
  ])('calls %j a bad token: %s', async (authorization, isToken) => {
    const keys = { find: () => Promise.reject(new Error('no key')), findNewer: () => Promise.resolve([]) };
    const authenticate = createAuthenticator({ rules: RULES, keys, clock: clockOf(() => 0) });
    const { statusCode, headers } = await ask({ headers: { authorization }, authenticate });
    expect([statusCode, headers?.['WWW-Authenticate']]).toEqual([
      401,
      isToken ? 'Bearer realm="groups", error="invalid_token"' : 'Bearer realm="groups"',
    ]);
  });

  it('wants a service to name somebody', async () => {
    expect(await ask({ caller: service })).toMatchObject({
      statusCode: 400,
      json: { errors: [{ pointer: '/userIds' }] },
    });
  });

  it('answers 403 when the policy says no, and sends nothing', async () => {
    const decide = vi.fn<HttpDeps['decide']>(() => ({ allowed: false, reason: 'Not on a Monday.' }));
    const { statusCode, json, joinUsers } = await ask({ decide, body: '{"userIds":["bob","bob"],"groupName":"Team"}' });
    expect(statusCode).toBe(403);
    expect(json).toMatchObject({ code: 'FORBIDDEN', outcome: 'not_sent', detail: 'Not on a Monday.' });
    expect(joinUsers).not.toHaveBeenCalled();
    expect(decide.mock.calls).toMatchObject([[alice, { groupId: 'g', userIds: ['bob'], groupName: 'Team' }, {}]]);
    decide.mockReturnValue({ allowed: true });
    expect((await ask({ decide, body: '{"userIds":["bob"]}' })).json.joined).toEqual(['bob']);
  });

  it('checks in the order 401, 413, 415, 400, 403', async () => {
    const authenticate = async () => {
      throw new JoinError('UNAUTHENTICATED');
    };
    const bad = { body: '{', headers: { 'content-type': 'text/plain' }, groupId: ' ' };
    const large = { ...bad, body: '{'.repeat(2_000_000) };
    expect((await ask({ ...large, authenticate })).statusCode).toBe(401);
    expect((await ask(large)).statusCode).toBe(413);
    expect((await ask(bad)).statusCode).toBe(415);
    const decide: HttpDeps['decide'] = () => ({ allowed: false, reason: 'No.' });
    expect((await ask({ decide, groupId: ' ' })).statusCode).toBe(400);
    expect((await ask({ decide })).statusCode).toBe(403);
  });

  it('refuses a request that came past what stands in front, before all else', async () => {
    const checkOrigin = createOriginCheck(['first-origin-secret', 'second-origin-secret']);
    const withHeader = (value: string | undefined) =>
      ask({ checkOrigin, ...(value !== undefined && { headers: { 'x-origin-verify': value } }) });
    for (const value of [
      undefined,
      '',
      'first-origin-secre',
      'first-origin-secret ',
      'FIRST-ORIGIN-SECRET',
      'first-origin-secret,first-origin-secret',
    ]) {
      const { statusCode, json, authenticate, body } = await withHeader(value);
      expect([statusCode, json.code, json.outcome]).toEqual([403, 'FORBIDDEN', 'not_sent']);
      expect(authenticate).not.toHaveBeenCalled();
      expect(body).not.toContain('origin-secret');
    }
    expect((await withHeader('first-origin-secret')).statusCode).toBe(200);
    expect((await withHeader('second-origin-secret')).statusCode).toBe(200);
    expect((await ask()).statusCode).toBe(200);
  });

  it('answers 207 when some joined', async () => {
    const body = '{"userIds":["a","b"]}';
    const { statusCode, headers, json } = await ask({ caller: service, body, joinUsers: failing('UPSTREAM_REJECTED') });
    expect(statusCode).toBe(207);
    expect(headers).toMatchObject({ 'Content-Type': 'application/json' });
    expect(json).toEqual({
      groupId: 'g',
      joined: ['b'],
      requestId: 'aws-1',
      failed: [
        { userIds: ['a'], code: 'UPSTREAM_REJECTED', outcome: 'rejected', retryable: false, upstreamCode: 1002 },
      ],
    });
  });

  it.each<[string, string[]]>([
    ['everyone joined', []],
    ['some joined', ['b']],
  ])('answers 207 with what became of the name when %s', async (_name, refused) => {
    const error = new JoinError('UPSTREAM_REJECTED', { upstreamCode: 400 });
    const joinUsers: JoinUsers = async ({ groupId }) => ({
      groupId,
      joined: ['a'],
      failed: refused.length > 0 ? [{ offset: 1, userIds: refused, error }] : [],
      nameError: new JoinError('UPSTREAM_REJECTED', { upstreamCode: 1002 }),
    });
    const body = JSON.stringify({ userIds: ['a', ...refused], groupName: 'Team' });
    const { statusCode, json, log } = await ask({ caller: service, body, joinUsers });
    const failure = { code: 'UPSTREAM_REJECTED', outcome: 'rejected', retryable: false };
    expect([statusCode, json]).toEqual([
      207,
      {
        groupId: 'g',
        joined: ['a'],
        requestId: 'aws-1',
        failed: refused.length > 0 ? [{ userIds: refused, ...failure, upstreamCode: 400 }] : [],
        nameError: { ...failure, upstreamCode: 1002 },
      },
    ]);
    expect(log.mock.calls).toMatchObject([
      [{ joined: 1, failed: refused.length }, { code: 'UPSTREAM_REJECTED' }, refused[0]],
    ]);
  });

  it('answers 202 with what became of the name', async () => {
    const enqueue = vi.fn(async () => undefined);
    const joinUsers: JoinUsers = async ({ groupId }) => ({
      groupId,
      joined: ['a'],
      failed: [
        { offset: 1, userIds: ['b'], error: new JoinError('UNDECIDED') },
        { offset: 2, userIds: ['c'], error: new JoinError('UPSTREAM_REJECTED') },
      ],
      nameError: new JoinError('UPSTREAM_REJECTED', { upstreamCode: 1002 }),
    });
    const body = '{"userIds":["a","b","c"],"groupName":"Team"}';
    const headers = { prefer: 'respond-async, wait=2' };
    const { statusCode, json } = await ask({ caller: service, body, headers, joinUsers, enqueue });
    const failure = { code: 'UPSTREAM_REJECTED', outcome: 'rejected', retryable: false };
    expect([statusCode, json]).toEqual([
      202,
      {
        groupId: 'g',
        queued: ['b'],
        requestId: 'aws-1',
        joined: ['a'],
        failed: [{ userIds: ['c'], ...failure }],
        nameError: { ...failure, upstreamCode: 1002 },
      },
    ]);
    // The refused name is not sent again.
    expect(enqueue).toHaveBeenCalledWith({ groupId: 'g', userIds: ['b'] }, 'aws-1', undefined);
  });

  it('answers the first failure when nobody joined, with the least certain outcome', async () => {
    const body = '{"userIds":["a","b"]}';
    const joinUsers = failing('UPSTREAM_RATE_LIMITED', 'UPSTREAM_TIMEOUT');
    const { statusCode, headers, json } = await ask({ caller: service, body, joinUsers });
    expect(statusCode).toBe(503);
    expect(headers).toMatchObject({ 'Content-Type': 'application/problem+json', 'Retry-After': '2' });
    expect(json).toMatchObject({
      code: 'UPSTREAM_RATE_LIMITED',
      outcome: 'unknown',
      retryable: true,
      upstreamCode: 1002,
      failed: [{ userIds: ['a'] }, { userIds: ['b'], code: 'UPSTREAM_TIMEOUT', outcome: 'unknown' }],
    });
    expect(json).not.toHaveProperty('joined');
  });

  it('says nothing of an unforeseen failure but logs it', async () => {
    const joinUsers = async () => {
      throw new TypeError('private');
    };
    const { statusCode, body, json, log } = await ask({ joinUsers });
    expect(statusCode).toBe(500);
    expect(json).toMatchObject({ code: 'INTERNAL', outcome: 'unknown', retryable: false });
    expect(body).not.toContain('private');
    expect(log).toHaveBeenCalledTimes(1);
    expect(log.mock.lastCall?.[1]).toMatchObject({ code: 'INTERNAL', cause: { message: 'private' } });
  });

  it.each(FOREIGN_EVENTS)('says what it expects when it is given %s, before all else', async (_name, event) => {
    const authenticate = vi.fn<HttpDeps['authenticate']>();
    const checkOrigin = vi.fn<NonNullable<HttpDeps['checkOrigin']>>();
    const log = vi.fn();
    const handler = createHttpHandler({
      authenticate,
      checkOrigin,
      decide: () => ({ allowed: true }),
      sleep: async () => undefined,
      isRateLimited: () => false,
      joinUsers: async () => ({ groupId: 'g', joined: [], failed: [] }),
      telemetry: { request: log, sending: () => {} },
      random: () => 0,
      clock: clockOf(() => 0),
    });
    const { statusCode, body = '' } = await handler(event, {
      awsRequestId: 'aws-1',
      getRemainingTimeInMillis: () => 15_000,
    });
    const detail = 'This function expects an event of an API Gateway HTTP API, payload format 2.0.';
    expect([statusCode, JSON.parse(body)]).toMatchObject([
      400,
      { code: 'INVALID_REQUEST', outcome: 'not_sent', detail },
    ]);
    expect(log.mock.calls).toMatchObject([[{ door: 'http' }, { code: 'INVALID_REQUEST' }, undefined]]);
    expect(authenticate).not.toHaveBeenCalled();
    expect(checkOrigin).not.toHaveBeenCalled();
  });

  it('logs one line of counts and no users', async () => {
    const { log } = await ask({ caller: service, body: '{"userIds":["planted-1","planted-2"]}' });
    expect(log.mock.calls).toEqual([
      [
        {
          door: 'http',
          requestId: 'aws-1',
          lambdaRequestId: 'aws-1',
          groupId: 'g',
          users: 2,
          joined: 2,
          failed: 0,
          identityMs: 0,
          durationMs: 0,
        },
        undefined,
        undefined,
      ],
    ]);
  });
});
