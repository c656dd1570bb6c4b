import { afterEach, beforeEach, expect, it } from 'vitest';
import names from '../../../lib/telemetry/metric-names.json' with { type: 'json' };
import { metricOf, startTelemetryBed, type TelemetryBed } from '../../helpers/telemetry-bed.ts';

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
  const value = (name: string) => metricOf(answer, name)?.value;
  expect(value(names.queueMessages)).toBe(3);
  expect(value(names.usersPerCall)).toEqual([2, 1, 1]);
  expect(value(names.deadLettered)).toEqual([1, 1]);
  expect(value(names.joinedUsers)).toBe(1);
  expect(Number(value(names.messageAge))).toBeGreaterThanOrEqual(5000);
  expect(bed.dead.bodies()).toHaveLength(2);
});
