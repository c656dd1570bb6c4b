import { describe, expect, it, vi } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import { type Enqueue, joinOrQueue } from '../../../lib/join/join-or-queue.ts';
import type { JoinReport, JoinUsers } from '../../../lib/join/join-users.ts';
import { RequestLine } from '../../../lib/telemetry/request-line.ts';
import { clockOf } from '../../helpers/clock-of.ts';

const NOW = 1000;
const request = { groupId: 'g', userIds: ['a', 'b', 'c'], groupName: 'N' };

interface Told {
  waitMs?: number;
  /** How the join of each user ends, by the position; users that are not named join. */
  failures?: Partial<Record<number, JoinErrorCode>>;
  /** What the try says of the name. */
  name?: Pick<JoinReport, 'nameError' | 'isNameOpen'>;
  enqueue?: Enqueue;
  isRateLimited?: () => boolean;
}

/** Joins or queues a request. */
async function ask({
  waitMs,
  failures = {},
  name = { isNameOpen: true },
  enqueue = async () => undefined,
  isRateLimited = () => false,
}: Told = {}) {
  const join = vi.fn<JoinUsers>(async ({ groupId, userIds }) => ({
    groupId,
    joined: userIds.filter((_, i) => failures[i] === undefined),
    failed: userIds.flatMap((userId, offset) => {
      const code = failures[offset];
      return code === undefined ? [] : [{ offset, userIds: [userId], error: new JoinError(code) }];
    }),
    ...(Object.keys(failures).length > 0 && name),
  }));
  const enqueued = vi.fn(enqueue);
  const line = new RequestLine(
    { request: () => {}, sending: () => {} },
    clockOf(() => NOW),
    {
      door: 'http',
      requestId: 'mine',
      lambdaRequestId: 'aws-1',
    },
  );
  const report = await joinOrQueue({ joinUsers: join, enqueue: enqueued, isRateLimited }, request, {
    requestId: 'mine',
    deadline: NOW + 8000,
    waitMs,
    line,
    senderGroup: () => 'backend-7',
  });
  return { report, join, enqueued, queueRefusal: line.fields.queueRefusal };
}
const refused = async () => new JoinError('QUEUE_UNAVAILABLE');

describe('a request that need not be tried now', () => {
  it('goes to the queue, under its id and from its sender', async () => {
    const { report, join, enqueued } = await ask();
    expect(report).toEqual({ groupId: 'g', joined: [], failed: [], queued: ['a', 'b', 'c'] });
    expect(enqueued.mock.calls).toEqual([[request, 'mine', 'backend-7']]);
    expect(join).not.toHaveBeenCalled();
  });

  it('fails when the queue does not take it', async () => {
    await expect(ask({ enqueue: refused })).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
  });
});

describe('a request that is tried first', () => {
  it('has the time that it says, from the start, and no more than the door', async () => {
    expect((await ask({ waitMs: 2000 })).join.mock.calls[0]?.[1]).toMatchObject({ deadline: NOW + 2000 });
    expect((await ask({ waitMs: 9000 })).join.mock.calls[0]?.[1]).toMatchObject({ deadline: NOW + 8000 });
  });

  it('is reported when everyone joins, and nothing is queued', async () => {
    const { report, enqueued } = await ask({ waitMs: 2000 });
    expect(report).toEqual({ groupId: 'g', joined: ['a', 'b', 'c'], failed: [] });
    expect(enqueued).not.toHaveBeenCalled();
  });

  it.each([
    'UPSTREAM_TIMEOUT',
    'UPSTREAM_UNAVAILABLE',
    'UPSTREAM_UNREACHABLE',
    'UPSTREAM_UNREADABLE',
    'UPSTREAM_RATE_LIMITED',
    'UPSTREAM_CREDENTIALS',
    'CREDENTIALS_UNAVAILABLE',
    'DEADLINE_EXCEEDED',
  ] as const)('goes to the queue after %s', async (code) => {
    const { report, enqueued } = await ask({ waitMs: 2000, failures: { 0: code, 1: code, 2: code } });
    expect(report).toEqual({ groupId: 'g', joined: [], failed: [], queued: ['a', 'b', 'c'] });
    expect(enqueued.mock.calls).toEqual([[request, 'mine', 'backend-7']]);
  });

  it.each(['GROUP_FULL', 'UPSTREAM_REJECTED', 'UPSTREAM_MISCONFIGURED', 'INTERNAL'] as const)(
    'is the problem as ever after %s',
    async (code) => {
      const { report, enqueued } = await ask({ waitMs: 2000, failures: { 0: code, 1: code, 2: code } });
      expect(report).toMatchObject({ joined: [], failed: [{}, {}, {}] });
      expect(report).not.toHaveProperty('queued');
      expect(enqueued).not.toHaveBeenCalled();
    },
  );

  it('queues only those that did not join in time', async () => {
    const { report, enqueued } = await ask({ waitMs: 2000, failures: { 1: 'UPSTREAM_TIMEOUT' } });
    expect(report).toMatchObject({ queued: ['b'], joined: ['a', 'c'], failed: [] });
    expect(enqueued.mock.calls).toEqual([[{ ...request, userIds: ['b'] }, 'mine', 'backend-7']]);
  });

  it('queues the name only if it was neither given nor refused', async () => {
    const failures = { 1: 'UPSTREAM_TIMEOUT' } as const;
    const unnamed = { groupId: 'g', userIds: ['b'] };
    const given = await ask({ waitMs: 2000, failures, name: {} });
    expect(given.enqueued.mock.lastCall?.[0]).toEqual(unnamed);
    const nameError = new JoinError('UPSTREAM_REJECTED');
    const refusedName = await ask({ waitMs: 2000, failures, name: { nameError } });
    expect(refusedName.enqueued.mock.lastCall?.[0]).toEqual(unnamed);
    expect(refusedName.report.nameError).toBe(nameError);
    const open = await ask({ waitMs: 2000, failures, name: { nameError, isNameOpen: true } });
    expect(open.enqueued.mock.lastCall?.[0]).toEqual({ ...unnamed, groupName: 'N' });
    expect(open.report).not.toHaveProperty('nameError');
  });

  it('does not queue those that were refused, and says who', async () => {
    const failures = { 0: 'UPSTREAM_REJECTED', 1: 'UPSTREAM_TIMEOUT' } as const;
    const { report, enqueued } = await ask({ waitMs: 2000, failures });
    expect(report).toMatchObject({ queued: ['b'], joined: ['c'], failed: [{ userIds: ['a'] }] });
    expect(enqueued.mock.lastCall?.[0].userIds).toEqual(['b']);
  });

  it('ends as the try did when the queue is down as well, which its line says', async () => {
    const failures = { 0: 'UPSTREAM_TIMEOUT', 1: 'UPSTREAM_TIMEOUT', 2: 'UPSTREAM_TIMEOUT' } as const;
    const { report, queueRefusal } = await ask({ waitMs: 2000, failures, enqueue: refused });
    expect(report).toMatchObject({ failed: [{ error: { code: 'UPSTREAM_TIMEOUT' } }, {}, {}] });
    expect(report).not.toHaveProperty('queued');
    expect(queueRefusal).toBe('QUEUE_UNAVAILABLE');
    expect((await ask({ waitMs: 2000, failures })).queueRefusal).toBeUndefined();
  });

  it('goes to the queue without a try while RongCloud refuses calls for their rate', async () => {
    const { report, join } = await ask({ waitMs: 2000, isRateLimited: () => true });
    expect(report).toMatchObject({ queued: ['a', 'b', 'c'] });
    expect(join).not.toHaveBeenCalled();
    const down = await ask({ waitMs: 2000, isRateLimited: () => true, enqueue: refused });
    expect([down.report.joined, down.queueRefusal]).toEqual([['a', 'b', 'c'], 'QUEUE_UNAVAILABLE']);
    expect(down.join.mock.lastCall?.[1]).toMatchObject({ requestId: 'mine', deadline: NOW + 8000 });
  });
});
