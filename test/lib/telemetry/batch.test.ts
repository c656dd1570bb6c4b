import { afterEach, beforeEach, expect, it } from 'vitest';
import names from '../../../lib/telemetry/metric-names.json' with { type: 'json' };
import type { DoorAnswer } from '../../helpers/built-door.ts';
import { linesOf, metricOf, startTelemetryBed, type TelemetryBed } from '../../helpers/telemetry-bed.ts';

let bed: TelemetryBed;
beforeEach(async () => {
  bed = await startTelemetryBed();
});
afterEach(async () => {
  expect(await bed.close()).toEqual([]);
});

it('says what the queue door did, call by call and in all', async () => {
  const door = await bed.start('queue');
  bed.app.unknownUsers.add('planted-ghost');
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
      lambdaRequestId: 'aws-1',
      messages: 3,
      oldestMs: ms,
      users: 4,
      calls: 3,
      done: 1,
      retained: 0,
      requeued: 0,
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
      upstreamRequestId: bed.primary.calls[0]?.headers['x-request-id'],
    },
    { code: 'UPSTREAM_REJECTED', users: 1, messages: ['r-2'] },
  ]);
  expect(answer.logs.filter(({ message }) => message === 'dead-lettered')).toMatchObject([
    { requestId: 'm2', messageId: 'm2', code: 'INVALID_REQUEST', failedCount: 0 },
    { requestId: 'r-2', messageId: 'm1', code: 'UPSTREAM_REJECTED', failedCount: 1 },
  ]);
  const domain = new URL(bed.primary.url).host;
  const calls = answer.logs.filter(({ message }) => message === 'called' || message === 'call failed');
  expect(calls.map((line) => line.domain)).toEqual([domain, domain, domain]);
  expect(answer.logs.filter((line) => line.lambdaRequestId !== 'aws-1')).toEqual([]);
  const value = (name: string) => metricOf(answer, name)?.value;
  expect(value(names.queueMessages)).toBe(3);
  expect(value(names.usersPerCall)).toEqual([2, 1, 1]);
  expect(value(names.deadLettered)).toEqual([1, 1]);
  expect(value(names.joinedUsers)).toBe(1);
  expect(value(names.unserved)).toBe(0);
  expect(Number(value(names.messageAge))).toBeGreaterThanOrEqual(5000);
  expect(bed.dead.bodies()).toHaveLength(2);
});

const failuresOf = ({ metrics }: DoorAnswer) =>
  metrics.filter((one) => one.code !== undefined).map((one) => [one.code, one[names.failures]]);
const batchOf = (body: string) => {
  const attributes = { SentTimestamp: String(Date.now()) };
  return { Records: [{ messageId: 'm', body, attributes }] };
};
const JOIN = '{"groupId":"g","userIds":["planted-user"]}';

it('counts why a batch made no call, and that it could do nothing', async () => {
  const door = await bed.start('queue', { RONGCLOUD_SECRET_ID: 'none' });
  const answer = await door.invoke(batchOf(JOIN), 60_000);
  expect(failuresOf(answer)).toEqual([['CREDENTIALS_UNAVAILABLE', 1]]);
  expect(metricOf(answer, names.unserved)?.value).toBe(1);
});

it('counts the failure that ended a batch once, with the call that met it', async () => {
  const door = await bed.start('queue');
  bed.app.appSecret = 'other';
  const answer = await door.invoke(batchOf(JOIN), 60_000);
  expect(failuresOf(answer)).toEqual([['UPSTREAM_CREDENTIALS', 1]]);
  expect(linesOf(answer).map(({ message }) => message)).toEqual(['call failed', 'batch cut short']);
  expect(metricOf(answer, names.unserved)?.value).toBe(1);
  // The next batch begins with nothing counted.
  const next = await door.invoke(batchOf(JOIN), 6500);
  expect(failuresOf(next)).toEqual([['DEADLINE_EXCEEDED', 1]]);
  bed.app.appSecret = 'planted-app-secret';
  expect(metricOf(await door.invoke(batchOf(JOIN), 60_000), names.unserved)?.value).toBe(0);
});

it('counts that SQS takes no dead letters, and says nothing of the work where there is none', async () => {
  const door = await bed.start('queue', { JOIN_DLQ_URL: 'http://127.0.0.1:9/000000000000/dead' });
  const answer = await door.invoke(batchOf('planted-nonsense'), 60_000);
  expect(failuresOf(answer)).toEqual([['QUEUE_UNAVAILABLE', 1]]);
  expect(metricOf(answer, names.unserved)?.value).toBe(1);
  const other = await bed.start('queue');
  expect(metricOf(await other.invoke(batchOf('planted-nonsense'), 60_000), names.unserved)).toBeUndefined();
});

it('counts different rejected users, and a message for many of them once', async () => {
  const door = await bed.start('queue');
  bed.misbehave({ kind: 'status', status: 200, body: '{"code":1002}' });
  const countOf = async (...userIds: string[]) => {
    const answer = await door.invoke(batchOf(JSON.stringify({ groupId: 'lobby', userIds })), 60_000);
    return Math.max(
      ...answer.metrics.flatMap((one) => (names.refusedUsers in one ? [Number(one[names.refusedUsers])] : [])),
    );
  };
  expect(await countOf('planted-user', 'planted-ghost', 'planted-nonsense')).toBe(1);
  expect(await countOf('planted-user')).toBe(1);
  expect(await countOf('planted-ghost')).toBe(2);
  expect(await countOf('planted-nonsense')).toBe(3);
});
