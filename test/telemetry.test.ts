import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import names from '../lib/telemetry/metric-names.json' with { type: 'json' };
import { type AwsOperation, startAws } from '../sandbox/aws.ts';
import type { LocalServer } from '../sandbox/http-server.ts';
import { ImApp } from '../sandbox/im-app.ts';
import { type ImService, startImService } from '../sandbox/im-service.ts';
import { getSecretValue } from '../sandbox/secrets-manager.ts';
import { sqsOperations } from '../sandbox/sqs.ts';
import { SqsQueue } from '../sandbox/sqs-queue.ts';
import { type BuiltDoor, type DoorAnswer, type Line, startBuiltDoor } from './helpers/built-door.ts';
import { answers, type FaultyServer, startFaultyServer } from './helpers/faulty-server.ts';
import { AUDIENCE, goodClaims, keySet, type TestKey, testKey } from './helpers/tokens.ts';

interface AlarmResource {
  Properties: {
    Metrics: {
      MetricStat?: { Metric: { Namespace: string; MetricName: string; Dimensions: { Name: string; Value: string }[] } };
    }[];
  };
}
const alarms: { Resources: Record<string, AlarmResource> } = createRequire(import.meta.url)('../resources/alarms.cjs');

const APP_SECRET = 'planted-app-secret';
const NOWHERE = 'http://127.0.0.1:9';
let app: ImApp;
let primary: ImService;
let backup: ImService;
let aws: LocalServer;
let issuer: FaultyServer;
let key: TestKey;
let queue: SqsQueue;
let dead: SqsQueue;
let doors: BuiltDoor[] = [];
const tokens: string[] = [];
const outputs: string[] = [];

beforeAll(async () => {
  key = await testKey('k1');
  issuer = await startFaultyServer(answers(200, keySet(key)));
});
afterAll(() => issuer.close());
beforeEach(async () => {
  app = new ImApp({ appKey: 'planted-app-key', appSecret: APP_SECRET });
  primary = await startImService(app);
  backup = await startImService(app);
  queue = new SqsQueue({ name: 'joins', visibilityTimeoutMs: 1000 });
  dead = new SqsQueue({ name: 'dead', visibilityTimeoutMs: 1000 });
  const secret = JSON.stringify({ appKey: 'planted-app-key', appSecret: APP_SECRET });
  const operations: Record<string, AwsOperation> = {
    'secretsmanager.GetSecretValue': getSecretValue(new Map([['rongcloud/app', secret]])),
    ...sqsOperations([queue, dead]),
  };
  aws = await startAws(0, operations);
});
afterEach(async () => {
  for (const door of doors) {
    await door.close();
    outputs.push(door.output());
  }
  doors = [];
  await Promise.all([primary.close(), backup.close(), aws.close()]);
});

async function start(door: 'http' | 'invoke' | 'queue', changes: Record<string, string> = {}): Promise<BuiltDoor> {
  const started = await startBuiltDoor(door, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'planted-aws-key',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_ENDPOINT_URL_SQS: aws.url,
    RONGCLOUD_SECRET_ID: 'rongcloud/app',
    RONGCLOUD_API_URLS: `${primary.url},${backup.url}`,
    JWT_ISSUER: 'https://issuer.example',
    JWT_AUDIENCE: AUDIENCE,
    JWKS_URI: issuer.url,
    JWT_GROUPS_CLAIM: 'groups',
    OPEN_GROUPS: 'open',
    JOIN_QUEUE_URL: `${aws.url}/000000000000/joins`,
    JOIN_DLQ_URL: `${aws.url}/000000000000/dead`,
    POWERTOOLS_SERVICE_NAME: 'join-test',
    POWERTOOLS_METRICS_NAMESPACE: 'JoinTest',
    POWERTOOLS_LOG_LEVEL: 'DEBUG',
    ...changes,
  });
  doors.push(started);
  return started;
}

async function httpEvent(more: { body?: string; groupId?: string; headers?: object; claims?: object } = {}) {
  const token = await key.sign({ ...goodClaims(Math.floor(Date.now() / 1000)), sub: 'planted-user', ...more.claims });
  tokens.push(token);
  return {
    headers: { authorization: `Bearer ${token}`, 'x-request-id': 'mine', ...more.headers },
    pathParameters: { groupId: more.groupId ?? 'open' },
    ...(more.body !== undefined && { body: more.body }),
    isBase64Encoded: false,
  };
}

const misbehave = (how: Parameters<ImService['misbehave']>[0]) => {
  for (const domain of [primary, backup]) domain.misbehave(how);
};
const line = ({ logs }: DoorAnswer) => logs.filter(({ level }) => level !== 'DEBUG');
/** The value of a metric in some lines, with the dimensions that it has there; one that has several, all of them. */
function metric(metrics: readonly Line[], name: string) {
  const holder = metrics.find((one) => name in one);
  const [directive] = holder?._aws?.CloudWatchMetrics ?? [];
  const dimensions = directive?.Dimensions[0]?.map((dimension) => [dimension, holder?.[dimension]]);
  return holder && { value: holder[name], ...Object.fromEntries(dimensions ?? []) };
}

describe('a request that succeeds', () => {
  it('has one line and one set of metrics, with every field', async () => {
    const http = await start('http');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answer = await http.invoke(await httpEvent({ headers: { traceparent } }));
    expect(answer.result?.statusCode).toBe(200);
    const ms = expect.any(Number);
    expect(line(answer)).toEqual([
      {
        level: 'INFO',
        message: 'joined',
        timestamp: expect.any(String),
        service: 'join-test',
        sampling_rate: 0,
        door: 'http',
        requestId: 'mine',
        upstreamRequestId: 'mine',
        traceparent,
        groupId: 'open',
        users: 1,
        joined: 1,
        failed: 0,
        attempts: 1,
        domain: '127.0.0.1',
        identityMs: ms,
        secretMs: ms,
        upstreamMs: ms,
        durationMs: ms,
        coldStart: true,
      },
    ]);
    expect(primary.calls[0]?.headers['x-request-id']).toBe('mine');
    expect(answer.metrics).toEqual([
      {
        _aws: {
          Timestamp: ms,
          CloudWatchMetrics: [
            {
              Namespace: 'JoinTest',
              Dimensions: [['service', 'door']],
              Metrics: expect.arrayContaining([
                { Name: names.joinedUsers, Unit: 'Count' },
                { Name: names.upstreamCalls, Unit: 'Count' },
                { Name: names.upstreamLatency, Unit: 'Milliseconds' },
                { Name: names.attempts, Unit: 'Count' },
                { Name: names.secretRefresh, Unit: 'Count' },
                { Name: names.keyRefresh, Unit: 'Count' },
              ]),
            },
          ],
        },
        service: 'join-test',
        door: 'http',
        [names.joinedUsers]: 1,
        [names.upstreamCalls]: 1,
        [names.upstreamLatency]: ms,
        [names.attempts]: 1,
        [names.secretRefresh]: 1,
        [names.keyRefresh]: 1,
      },
    ]);
    const warm = await http.invoke(await httpEvent());
    expect(line(warm)[0]).toMatchObject({ coldStart: false });
    expect(line(warm)[0]).not.toHaveProperty('traceparent');
    expect(warm.metrics).toHaveLength(1);
    expect(warm.metrics[0]).not.toHaveProperty(names.secretRefresh);
    expect(line(await http.invoke(await httpEvent({ headers: { traceparent: 'planted' } })))[0]).not.toHaveProperty(
      'traceparent',
    );
  });
});

describe('every code, through a built door', () => {
  interface Case {
    code: string;
    level: 'WARN' | 'ERROR';
    env?: Record<string, string>;
    event?: Parameters<typeof httpEvent>[0] | 'none' | 'anonymous';
    remainingMs?: number;
    before?: () => void;
    /** Fields of the line beyond those that every failure has. */
    line?: object;
    users?: number;
  }
  const cases: Case[] = [
    { code: 'INVALID_REQUEST', level: 'WARN', event: { body: '{"userIds":[""]}' } },
    { code: 'UNAUTHENTICATED', level: 'WARN', event: 'anonymous', line: { cause: 'Error: no Authorization header' } },
    { code: 'FORBIDDEN', level: 'WARN', event: { groupId: 'closed' } },
    { code: 'UNSUPPORTED_MEDIA_TYPE', level: 'WARN', event: { body: 'x', headers: { 'content-type': 'text/plain' } } },
    {
      code: 'GROUP_FULL',
      level: 'WARN',
      before: () => misbehave({ kind: 'status', status: 405, body: '{"code":405}' }),
      line: { upstreamCode: 405 },
      users: 1,
    },
    {
      code: 'UPSTREAM_REJECTED',
      level: 'WARN',
      before: () => app.unknownUsers.add('planted-user'),
      line: { upstreamCode: 400 },
      users: 1,
    },
    {
      code: 'UPSTREAM_MISCONFIGURED',
      level: 'ERROR',
      before: () => misbehave({ kind: 'status', status: 401, body: '{"code":1006}' }),
      line: { upstreamCode: 1006 },
      users: 1,
    },
    {
      code: 'UPSTREAM_UNREADABLE',
      level: 'ERROR',
      before: () => misbehave({ kind: 'status', status: 200, body: '<planted>' }),
      line: { attempts: 3 },
      users: 1,
    },
    {
      code: 'UPSTREAM_RATE_LIMITED',
      level: 'ERROR',
      before: () => misbehave({ kind: 'status', status: 429, body: '{"code":1008}' }),
      line: { attempts: 3, upstreamCode: 1008 },
      users: 1,
    },
    {
      code: 'UPSTREAM_CREDENTIALS',
      level: 'ERROR',
      before: () => {
        app.appSecret = 'other';
      },
      line: { upstreamCode: 1004 },
      users: 1,
    },
    {
      code: 'UPSTREAM_UNAVAILABLE',
      level: 'ERROR',
      before: () => misbehave({ kind: 'status', status: 500 }),
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
      before: () => misbehave({ kind: 'hang' }),
      remainingMs: 1700,
      users: 1,
    },
    { code: 'DEADLINE_EXCEEDED', level: 'ERROR', remainingMs: 900, users: 1 },
    {
      code: 'INTERNAL',
      level: 'ERROR',
      event: 'none',
      line: { cause: expect.stringContaining('TypeError'), stack: expect.any(Array) },
    },
  ];

  it.each(cases)('$code', async ({ code, level, env, event, remainingMs, before, line: more, users }) => {
    const http = await start('http', env);
    before?.();
    const given =
      event === 'none' ? {} : event === 'anonymous' ? { ...(await httpEvent()), headers: {} } : await httpEvent(event);
    const answer = await http.invoke(given, remainingMs);
    const body = JSON.parse(answer.result?.body ?? '');
    expect(body.code).toBe(code);
    expect(line(answer)).toHaveLength(1);
    const [written = {}] = line(answer);
    const message = code === 'INTERNAL' || code === 'UNAUTHENTICATED' ? 'aws-1' : 'mine';
    expect(written).toMatchObject({
      level,
      message: 'not joined',
      door: 'http',
      requestId: message,
      code,
      status: answer.result?.statusCode,
      outcome: body.outcome,
      coldStart: true,
      durationMs: expect.any(Number),
      ...(users !== undefined && { users, groupId: 'open' }),
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
        'upstreamRequestId',
        'groupId',
      ],
      ...['users', 'joined', 'failed', 'attempts', 'domain', 'identityMs', 'secretMs', 'upstreamMs', 'durationMs'],
      ...['coldStart', 'code', 'status', 'outcome', 'upstreamCode', 'cause', 'stack'],
    ];
    expect(Object.keys(written).filter((field) => !allowed.includes(field))).toEqual([]);
    const byCode = answer.metrics.filter((one) => one.code !== undefined);
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
              ],
            },
          ],
        },
        service: 'join-test',
        code,
        [names.failures]: 1,
        [names.failedUsers]: users ?? 0,
      },
    ]);
    if (code === 'UPSTREAM_RATE_LIMITED') {
      expect(metric(answer.metrics, names.rateRefusals)).toMatchObject({ value: [1, 1, 1], door: 'http' });
    }
    if (users !== undefined) expect(metric(answer.metrics, names.failedUsers)).toBeDefined();
  });

  it('counts switches of the domain and an empty retry budget', async () => {
    const http = await start('http');
    primary.misbehave({ kind: 'close' });
    const switched = await http.invoke(await httpEvent());
    expect(switched.result?.statusCode).toBe(200);
    expect(metric(switched.metrics, names.domainSwitch)).toMatchObject({ value: 1, door: 'http' });
    expect(metric(switched.metrics, names.attempts)).toMatchObject({ value: [1, 2] });
    misbehave({ kind: 'status', status: 500 });
    let exhausted: DoorAnswer | undefined;
    for (let i = 0; i < 8; i++) exhausted = await http.invoke(await httpEvent());
    expect(metric(exhausted?.metrics ?? [], names.retryBudgetExhausted)).toMatchObject({ value: 1, door: 'http' });
  });

  it('says what an asynchronous request and the Invoke door did', async () => {
    const http = await start('http');
    const queued = await http.invoke(await httpEvent({ headers: { prefer: 'respond-async' } }));
    expect(queued.result?.statusCode).toBe(202);
    expect(line(queued)).toMatchObject([{ message: 'queued', queued: 1, users: 1 }]);
    expect(metric(queued.metrics, names.queuedUsers)).toMatchObject({ value: 1, door: 'http' });
    const invoke = await start('invoke');
    const joined = await invoke.invoke({ groupId: 'g', userIds: ['planted-user', 'b'] });
    expect(line(joined)).toMatchObject([{ message: 'joined', door: 'invoke', users: 2, joined: 2 }]);
    expect(metric(joined.metrics, names.joinedUsers)).toMatchObject({ value: 2, door: 'invoke' });
    app.unknownUsers.add('planted-user');
    const failed = await invoke.invoke({ groupId: 'g', userIds: ['planted-user'] });
    expect(failed.error).toMatchObject({ name: 'UPSTREAM_REJECTED', stack: '' });
    expect(line(failed)).toMatchObject([{ level: 'WARN', door: 'invoke', code: 'UPSTREAM_REJECTED', failed: 1 }]);
  });

  it('says what the queue door did, call by call and in all', async () => {
    const door = await start('queue');
    app.unknownUsers.add('planted-ghost');
    const bodies = [
      { groupId: 'g', userIds: ['planted-user'], requestId: 'r-1' },
      { groupId: 'g', userIds: ['planted-ghost'], requestId: 'r-2' },
      'planted-nonsense',
    ];
    const Records = bodies.map((body, i) => ({
      messageId: `m${i}`,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      attributes: { SentTimestamp: String(Date.now() - 5000) },
    }));
    const answer = await door.invoke({ Records }, 60_000);
    expect(answer.result).toEqual({ batchItemFailures: [] });
    const ms = expect.any(Number);
    const batch = answer.logs.filter(({ message }) => message === 'batch done');
    expect(batch).toEqual([
      {
        level: 'INFO',
        message: 'batch done',
        timestamp: expect.any(String),
        service: 'join-test',
        sampling_rate: 0,
        door: 'queue',
        requestId: 'aws-1',
        messages: 3,
        oldestMs: ms,
        users: 4,
        calls: 3,
        done: 1,
        retained: 0,
        deadLettered: 2,
        durationMs: ms,
        coldStart: true,
      },
    ]);
    expect(answer.logs.filter(({ message }) => message === 'call failed')).toMatchObject([
      {
        code: 'UPSTREAM_REJECTED',
        groupId: 'g',
        users: 2,
        messages: ['r-1', 'r-2'],
        upstreamRequestId: primary.calls[0]?.headers['x-request-id'],
      },
      { code: 'UPSTREAM_REJECTED', users: 1, messages: ['r-2'] },
    ]);
    expect(answer.logs.filter(({ message }) => message === 'dead-lettered')).toMatchObject([
      { requestId: 'm2', messageId: 'm2', code: 'INVALID_REQUEST', failedCount: 0 },
      { requestId: 'r-2', messageId: 'm1', code: 'UPSTREAM_REJECTED', failedCount: 1 },
    ]);
    const value = (name: string) => metric(answer.metrics, name)?.value;
    expect(value(names.queueMessages)).toBe(3);
    expect(value(names.usersPerCall)).toEqual([2, 1, 1]);
    expect(value(names.deadLettered)).toEqual([1, 1]);
    expect(value(names.joinedUsers)).toBe(1);
    expect(Number(value(names.messageAge))).toBeGreaterThanOrEqual(5000);
    expect(dead.bodies()).toHaveLength(2);
  });
});

describe('what the doors print', () => {
  /** A text as it stands, and as an encoding would hide it: base64 at each of its three alignments, hex, URL. */
  function guises(text: string): string[] {
    const base64 = [0, 1, 2].map((offset) => {
      const encoded = Buffer.from('\0'.repeat(offset) + text).toString('base64');
      // Characters that also depend on the neighbours are left out.
      return encoded.slice(offset === 0 ? 0 : 4, Math.floor((encoded.length - 4) / 4) * 4);
    });
    return [text, ...base64, Buffer.from(text).toString('hex'), encodeURIComponent(text).replaceAll('-', '%2D')];
  }

  it('recognises a text in every guise', () => {
    const secret = 'planted-app-secret';
    for (const hidden of [secret, Buffer.from(`x${secret}y`).toString('base64'), Buffer.from(secret).toString('hex')]) {
      expect(guises(secret).some((guise) => hidden.includes(guise))).toBe(true);
    }
  });

  it('includes a metric for each alarm that watches what this service counts', () => {
    const printed = outputs
      .join('\n')
      .split('\n')
      .filter((text) => text.includes('"_aws"'));
    const emitted = new Set(
      printed.flatMap((text) => {
        const { _aws, ...values }: Line = JSON.parse(text);
        return (_aws?.CloudWatchMetrics ?? []).flatMap(({ Metrics }) =>
          Metrics.map(({ Name }) => `${Name} ${values.code ?? values.door}`),
        );
      }),
    );
    const watched = Object.entries<AlarmResource>(alarms.Resources).map(([alarm, { Properties }]) => {
      const own = Properties.Metrics.flatMap(({ MetricStat }) =>
        MetricStat?.Metric.Namespace.startsWith('AWS/') === false ? [MetricStat.Metric] : [],
      );
      return { alarm, own: own.map(({ MetricName, Dimensions }) => `${MetricName} ${Dimensions[1]?.Value}`) };
    });
    const silent = watched.filter(({ own }) => own.length > 0 && !own.some((metric) => emitted.has(metric)));
    expect(silent).toEqual([]);
    expect(watched.filter(({ own }) => own.length > 0).length).toBeGreaterThanOrEqual(8);
    const failures = watched.flatMap(({ own }) => own).filter((metric) => metric.startsWith(names.failures));
    expect(failures.filter((metric) => !emitted.has(metric))).toEqual([]);
  });

  it('holds no secret, token, signature or user in any guise, over all of the above', () => {
    const printed = outputs.join('\n');
    expect(printed.length).toBeGreaterThan(10_000);
    const seen = [primary, backup].flatMap(({ calls }) => calls);
    const signed = seen.flatMap(({ headers }) => [String(headers.signature), String(headers.nonce)]);
    const secrets = [
      APP_SECRET,
      'planted-app-key',
      'planted-aws-key',
      'planted-user',
      'planted-ghost',
      'planted-nonsense',
      '<planted>',
    ];
    for (const secret of [...secrets, ...signed, ...tokens, ...tokens.map((token) => token.split('.')[2] ?? '')]) {
      for (const guise of guises(secret)) expect(printed.includes(guise), guise.slice(0, 20)).toBe(false);
    }
    // The useful fields are there.
    for (const useful of [
      '"groupId":"open"',
      '"requestId":"mine"',
      '"code":"UPSTREAM_TIMEOUT"',
      '"users":1',
      '"message":"attempt"',
    ]) {
      expect(printed).toContain(useful);
    }
  });
});
