import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import names from '../../../lib/telemetry/metric-names.json' with { type: 'json' };
import { withBug } from '../../helpers/built-door.ts';
import { REFUSED, SERVICE } from '../../helpers/claims.ts';
import { linesOf, metricOf, OPEN, startTelemetryBed, type TelemetryBed } from '../../helpers/telemetry-bed.ts';

const NOWHERE = 'http://127.0.0.1:9';

let bed: TelemetryBed;
beforeEach(async () => {
  bed = await startTelemetryBed();
});
afterEach(async () => {
  expect(await bed.close()).toEqual([]);
});

describe('every code, through a built door', () => {
  interface Case {
    code: string;
    level: 'WARN' | 'ERROR';
    env?: Record<string, string>;
    event?: Parameters<TelemetryBed['httpEvent']>[0] | 'bug' | 'anonymous';
    remainingMs?: number;
    before?: () => void;
    /** Fields of the line beyond those that every failure has. */
    line?: object;
    users?: number;
  }
  // A rule that looks users up takes some of the time itself. It looks no service up.
  const byService = { claims: SERVICE, body: '{"userIds":["planted-user"]}' };
  const cases: Case[] = [
    { code: 'INVALID_REQUEST', level: 'WARN', event: { body: '{"userIds":[""]}' } },
    { code: 'UNAUTHENTICATED', level: 'WARN', event: 'anonymous', line: { cause: 'Error: no Authorization header' } },
    { code: 'FORBIDDEN', level: 'WARN', event: { ...REFUSED, claims: { sub: 'planted-user' } } },
    { code: 'PAYLOAD_TOO_LARGE', level: 'WARN', event: { body: ' '.repeat(1_300_000) } },
    { code: 'UNSUPPORTED_MEDIA_TYPE', level: 'WARN', event: { body: 'x', headers: { 'content-type': 'text/plain' } } },
    {
      code: 'GROUP_FULL',
      level: 'WARN',
      before: () => bed.misbehave({ kind: 'status', status: 405, body: '{"code":405}' }),
      line: { upstreamCode: 405 },
      users: 1,
    },
    {
      code: 'UPSTREAM_REJECTED',
      level: 'WARN',
      before: () => bed.app.unknownUsers.add('planted-user'),
      line: { upstreamCode: 400 },
      users: 1,
    },
    {
      code: 'UPSTREAM_MISCONFIGURED',
      level: 'ERROR',
      before: () => bed.misbehave({ kind: 'status', status: 401, body: '{"code":1006}' }),
      line: { upstreamCode: 1006 },
      users: 1,
    },
    {
      code: 'UPSTREAM_UNREADABLE',
      level: 'ERROR',
      before: () => bed.misbehave({ kind: 'status', status: 200, body: '<planted>' }),
      line: { attempts: 3 },
      users: 1,
    },
    {
      code: 'UPSTREAM_RATE_LIMITED',
      level: 'ERROR',
      before: () => bed.misbehave({ kind: 'status', status: 429, body: '{"code":1008}' }),
      line: { attempts: 2, upstreamCode: 1008 },
      users: 1,
    },
    {
      code: 'UPSTREAM_CREDENTIALS',
      level: 'ERROR',
      before: () => {
        bed.app.appSecret = 'other';
      },
      line: { upstreamCode: 1004 },
      users: 1,
    },
    {
      code: 'UPSTREAM_UNAVAILABLE',
      level: 'ERROR',
      before: () => bed.misbehave({ kind: 'status', status: 500 }),
      line: { attempts: 3 },
      users: 1,
    },
    {
      code: 'UPSTREAM_UNREACHABLE',
      level: 'ERROR',
      env: { RONGCLOUD_API_URLS: NOWHERE },
      line: { attempts: 3, cause: expect.stringContaining('ECONNREFUSED') },
      users: 1,
    },
    {
      code: 'CREDENTIALS_UNAVAILABLE',
      level: 'ERROR',
      env: { RONGCLOUD_SECRET_ID: 'none' },
      line: { cause: expect.stringContaining('ResourceNotFoundException') },
      users: 1,
    },
    {
      code: 'IDENTITY_UNAVAILABLE',
      level: 'ERROR',
      env: { JWKS_URI: NOWHERE },
      line: { cause: expect.stringContaining('ECONNREFUSED') },
    },
    {
      code: 'QUEUE_UNAVAILABLE',
      level: 'ERROR',
      env: { JOIN_QUEUE_URL: `${NOWHERE}/000000000000/joins` },
      event: { headers: { prefer: 'respond-async' } },
      users: 1,
    },
    {
      code: 'UPSTREAM_TIMEOUT',
      level: 'ERROR',
      before: () => bed.misbehave({ kind: 'hang' }),
      event: byService,
      remainingMs: 1700,
      users: 1,
    },
    {
      code: 'DEADLINE_EXCEEDED',
      level: 'ERROR',
      event: byService,
      remainingMs: 900,
      users: 1,
    },
    {
      code: 'INTERNAL',
      level: 'ERROR',
      event: 'bug',
      line: { cause: 'TypeError: a bug', stack: expect.any(Array) },
    },
  ];

  it.each(cases)('$code', async ({ code, level, env, event, remainingMs, before, line: more, users }) => {
    const http = await bed.start('http', env);
    before?.();
    const given =
      event === 'bug'
        ? withBug(await bed.httpEvent())
        : event === 'anonymous'
          ? { ...(await bed.httpEvent()), headers: {} }
          : await bed.httpEvent(event);
    const answer = await http.invoke(given, remainingMs);
    const body = JSON.parse(answer.result?.body ?? '');
    expect(body.code).toBe(code);
    expect(linesOf(answer)).toHaveLength(1);
    const [written = {}] = linesOf(answer);
    const message = code === 'UNAUTHENTICATED' ? 'aws-1' : 'mine';
    expect(written).toMatchObject({
      level,
      message: 'not joined',
      door: 'http',
      requestId: message,
      lambdaRequestId: 'aws-1',
      code,
      status: answer.result?.statusCode,
      outcome: body.outcome,
      coldStart: true,
      durationMs: expect.any(Number),
      ...(users !== undefined && { users, groupId: OPEN }),
      ...more,
    });
    const allowed = [
      ...[
        'level',
        'message',
        'timestamp',
        'service',
        'sampling_rate',
        'door',
        'requestId',
        'lambdaRequestId',
        'upstreamRequestId',
        'groupId',
      ],
      ...['users', 'joined', 'failed', 'attempts', 'domain', 'identityMs', 'secretMs', 'upstreamMs', 'durationMs'],
      ...['coldStart', 'code', 'status', 'outcome', 'upstreamCode', 'cause', 'stack'],
    ];
    expect(Object.keys(written).filter((field) => !allowed.includes(field))).toEqual([]);
    const byCode = answer.metrics.filter((one) => one.code !== undefined);
    const refused = { GROUP_FULL: names.refusedGroups, UPSTREAM_REJECTED: names.refusedUsers }[code];
    expect(byCode).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'JoinTest',
              Dimensions: [['service', 'code']],
              Metrics: [
                { Name: names.failures, Unit: 'Count' },
                { Name: names.failedUsers, Unit: 'Count' },
                ...(refused ? [{ Name: refused, Unit: 'Count' }] : []),
              ],
            },
          ],
        },
        service: 'join-test',
        code,
        [names.failures]: 1,
        [names.failedUsers]: users ?? 0,
        ...(refused && { [refused]: 1 }),
      },
    ]);
    if (code === 'UPSTREAM_RATE_LIMITED') {
      expect(metricOf(answer, names.rateRefusals)).toMatchObject({ value: [1, 1], door: 'http' });
    }
    const caller = metricOf(answer, names.refusedCallers);
    // Nobody came with UNAUTHENTICATED: there was no token.
    expect(caller?.value).toBe(code === 'FORBIDDEN' ? 1 : undefined);
    if (users !== undefined) expect(metricOf(answer, names.failedUsers)).toBeDefined();
  });
});
