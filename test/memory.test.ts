import { afterEach, expect, it } from 'vitest';
import { getSecretValue } from '../sandbox/aws/secrets-manager.ts';
import { startAws } from '../sandbox/aws/server.ts';
import { sqsOperations } from '../sandbox/aws/sqs/operations.ts';
import { SqsQueue } from '../sandbox/aws/sqs/queue.ts';
import { type BuiltDoor, startBuiltDoor } from './helpers/built-door.ts';
import { SERVICE } from './helpers/claims.ts';
import { answers, startFaultyServer } from './helpers/faulty-server.ts';
import { httpEvent } from './helpers/http-event.ts';
import { AUDIENCE, goodClaims, ISSUER, keySet, testKey } from './helpers/tokens.ts';

// What a body may cost a built door in a process of its own, as large as Lambda passes one on and as large as is parsed.
const LIMIT = 200_000_000;
const PARSED = 1_200_000;
const PASSED = 6_000_000;

const BODIES: [name: string, make: (bytes: number) => string][] = [
  ['open brackets', (bytes) => '['.repeat(bytes)],
  ['lists in lists', (bytes) => '['.repeat(bytes / 2) + ']'.repeat(bytes / 2)],
  ['objects in objects', (bytes) => `${'{"a":'.repeat(bytes / 6)}0${'}'.repeat(bytes / 6)}`],
  ['empty lists', (bytes) => `{"userIds":[${'[],'.repeat(bytes / 3 - 10)}[]]}`],
  ['empty objects', (bytes) => `{"userIds":[${'{},'.repeat(bytes / 3 - 10)}{}]}`],
  ['unknown keys', (bytes) => `{${Array.from({ length: bytes / 10 }, (_, i) => `"${i.toString(36)}":0`).join(',')}}`],
  ['objects of many shapes', (bytes) => `[${Array.from({ length: bytes / 14 }, (_, i) => `{"${i.toString(36)}":0}`)}]`],
  ['junk users', (bytes) => `{"userIds":[${'0,'.repeat(bytes / 2 - 10)}0]}`],
  ['one user many times', (bytes) => `{"userIds":[${'"x",'.repeat(bytes / 4 - 10)}"x"]}`],
];

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(door: 'http' | 'queue') {
  const key = await testKey('k1');
  const issuer = await startFaultyServer(answers(200, keySet(key)));
  const im = await startFaultyServer(answers(200, '{"code":200}'));
  const secret = JSON.stringify({ appKey: 'key', appSecret: 's3cret' });
  const aws = await startAws(0, {
    'secretsmanager.GetSecretValue': getSecretValue(new Map([['rongcloud/app', secret]])),
    ...sqsOperations([new SqsQueue({ name: 'dead', visibilityTimeoutMs: 1000 })]),
  });
  const built = await startBuiltDoor(door, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_ENDPOINT_URL_SQS: aws.url,
    RONGCLOUD_SECRET_ID: 'rongcloud/app',
    RONGCLOUD_API_URLS: im.url,
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWKS_URI: issuer.url,
    JOIN_QUEUE_URL: `${aws.url}/000000000000/joins`,
    JOIN_DLQ_URL: `${aws.url}/000000000000/dead`,
  });
  closing.push(issuer.close, im.close, aws.close, built.close);
  const token = await key.sign({ ...goodClaims(Math.floor(Date.now() / 1000)), ...SERVICE });
  return { built, token };
}

/** The most memory that a door's process has had. */
async function peak(built: BuiltDoor, events: object[]): Promise<{ bytes: number; statuses: unknown[] }> {
  const answered = [];
  for (const event of events) answered.push(await built.invoke(event));
  return {
    bytes: answered.at(-1)?.peakBytes ?? Number.NaN,
    statuses: answered.map(({ result }) => result?.statusCode),
  };
}

it.each(BODIES)('the HTTP door takes less than 200 MB for a body of %s', async (_name, make) => {
  const { built, token } = await start('http');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const event = (body: string) => httpEvent({ headers, body });
  const { bytes, statuses } = await peak(built, [event(make(PASSED)), event(make(PARSED)), event(make(PARSED))]);
  expect(bytes).toBeLessThan(LIMIT);
  expect(statuses[0]).toBe(413);
  for (const status of statuses.slice(1)) expect([200, 400]).toContain(status);
});

const invalid = BODIES.filter(([name]) => name !== 'one user many times');
it.each(invalid)(
  'the queue door takes less than half of its 512 MB for a batch of five messages of %s',
  async (_name, make) => {
    const { built } = await start('queue');
    const Records = Array.from({ length: 5 }, (_, i) => {
      return { messageId: `m${i}`, body: make(1_000_000), attributes: { SentTimestamp: String(Date.now()) } };
    });
    const { result, peakBytes } = await built.invoke({ Records });
    expect(peakBytes).toBeLessThan(256_000_000);
    expect(result).toEqual({ batchItemFailures: [] });
  },
);
