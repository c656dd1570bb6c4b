import { describe, expect, it, vi } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import type { JoinUsers } from '../../../lib/join/join-users.ts';
import { type Enqueue, serve } from '../../../lib/join/serve.ts';
import { clockOf } from '../../helpers/clock-of.ts';

const NOW = 1000;
const request = { groupId: 'g', userIds: ['a', 'b', 'c'], groupName: 'N' };

interface Told {
  waitMs?: number;
  /** How the join of each user ends, by the position; users that are not named join. */
  failures?: Partial<Record<number, JoinErrorCode>>;
  enqueue?: Enqueue;
  isRateLimited?: () => boolean;
}

/** Serves a request that may go to the queue. */
async function serveLater({ waitMs, failures = {}, enqueue = async () => undefined, isRateLimited }: Told = {}) {
  const join = vi.fn<JoinUsers>(async ({ groupId, userIds }) => ({
    groupId,
    joined: userIds.filter((_, i) => failures[i] === undefined),
    failed: userIds.flatMap((userId, offset) => {
      const code = failures[offset];
      return code === undefined ? [] : [{ offset, userIds: [userId], error: new JoinError(code) }];
    }),
  }));
  const enqueued = vi.fn(enqueue);
  const log = vi.fn();
  const served = await serve(
    {
      joinUsers: join,
      telemetry: { request: log, attempt: () => {} },
      clock: clockOf(() => NOW),
      ...(isRateLimited && { isRateLimited }),
    },
    {
      door: 'http',
      invocation: { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 15_000 },
      givenRequestId: 'mine',
      admit: async () => ({ request, senderGroup: () => 'backend-7' }),
      limitMs: 8000,
      later: { enqueue: enqueued, waitMs },
    },
  );
  return { served, join, enqueued, fields: log.mock.lastCall?.[0], error: log.mock.lastCall?.[1] };
}
const refused = async () => new JoinError('QUEUE_UNAVAILABLE');

describe('a request that need not be tried now', () => {
  it('goes to the queue, under its id and from its sender', async () => {
    const { served, join, enqueued, fields } = await serveLater();
    expect(served).toEqual({
      requestId: 'mine',
      kind: 'queued',
      queued: ['a', 'b', 'c'],
      groupId: 'g',
      joined: [],
      failed: [],
    });
    expect(enqueued.mock.calls).toEqual([[request, 'mine', 'backend-7']]);
    expect(join).not.toHaveBeenCalled();
    expect(fields).toEqual({
      door: 'http',
      requestId: 'mine',
      lambdaRequestId: 'aws-1',
      groupId: 'g',
      users: 3,
      queued: 3,
      durationMs: 0,
    });
  });

  it('fails when the queue does not take it', async () => {
    const { served, join, error } = await serveLater({ enqueue: refused });
    expect(served).toMatchObject({ kind: 'failed', error: { code: 'QUEUE_UNAVAILABLE' } });
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
    expect(join).not.toHaveBeenCalled();
  });
});

describe('a request that is tried first', () => {
  it('has in its line that the queue did not take what was left, while the try is what is answered', async () => {
    const failures = { 0: 'UPSTREAM_TIMEOUT' } as const;
    const { fields, error } = await serveLater({ waitMs: 2000, failures, enqueue: refused });
    expect(fields).toMatchObject({ queueRefusal: 'QUEUE_UNAVAILABLE', joined: 2, failed: 1 });
    expect(error).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    const limited = await serveLater({ waitMs: 2000, enqueue: refused, isRateLimited: () => true });
    expect(limited.fields).toMatchObject({ queueRefusal: 'QUEUE_UNAVAILABLE', joined: 3 });
    expect((await serveLater({ waitMs: 2000, failures })).fields).not.toHaveProperty('queueRefusal');
  });

  it('has the time that it says, from the start, and no more than the door', async () => {
    expect((await serveLater({ waitMs: 2000 })).join.mock.calls[0]?.[1]).toMatchObject({ deadline: NOW + 2000 });
    expect((await serveLater({ waitMs: 9000 })).join.mock.calls[0]?.[1]).toMatchObject({ deadline: NOW + 8000 });
  });

  it('is reported when everyone joins, and nothing is queued', async () => {
    const { served, enqueued } = await serveLater({ waitMs: 2000 });
    expect(served).toMatchObject({ kind: 'reported', report: { joined: ['a', 'b', 'c'] } });
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
    const { served, enqueued, fields } = await serveLater({ waitMs: 2000, failures: { 0: code, 1: code, 2: code } });
    expect(served).toMatchObject({ kind: 'queued', queued: ['a', 'b', 'c'], joined: [], failed: [] });
    expect(enqueued.mock.calls).toEqual([[request, 'mine', 'backend-7']]);
    expect(fields).toMatchObject({ joined: 0, failed: 0, queued: 3 });
  });

  it.each(['GROUP_FULL', 'UPSTREAM_REJECTED', 'UPSTREAM_MISCONFIGURED', 'INTERNAL'] as const)(
    'is the problem as ever after %s',
    async (code) => {
      const { served, enqueued } = await serveLater({ waitMs: 2000, failures: { 0: code, 1: code, 2: code } });
      expect(served).toMatchObject({ kind: 'reported', report: { joined: [] } });
      expect(enqueued).not.toHaveBeenCalled();
    },
  );

  it('queues only those that did not join in time', async () => {
    const { served, enqueued, fields } = await serveLater({ waitMs: 2000, failures: { 1: 'UPSTREAM_TIMEOUT' } });
    expect(served).toMatchObject({ kind: 'queued', queued: ['b'], joined: ['a', 'c'], failed: [] });
    expect(enqueued.mock.calls).toEqual([[{ ...request, userIds: ['b'] }, 'mine', 'backend-7']]);
    expect(fields).toMatchObject({ users: 3, joined: 2, failed: 0, queued: 1 });
  });

  it('does not queue those that were refused, and says who', async () => {
    const failures = { 0: 'UPSTREAM_REJECTED', 1: 'UPSTREAM_TIMEOUT' } as const;
    const { served, enqueued, fields, error } = await serveLater({ waitMs: 2000, failures });
    expect(served).toMatchObject({ kind: 'queued', queued: ['b'], joined: ['c'], failed: [{ userIds: ['a'] }] });
    expect(enqueued.mock.lastCall?.[0].userIds).toEqual(['b']);
    expect(fields).toMatchObject({ joined: 1, failed: 1, queued: 1 });
    expect(error).toMatchObject({ code: 'UPSTREAM_REJECTED' });
  });

  it('ends as the try did when the queue is down as well', async () => {
    const failures = { 0: 'UPSTREAM_TIMEOUT', 1: 'UPSTREAM_TIMEOUT', 2: 'UPSTREAM_TIMEOUT' } as const;
    const { served, fields } = await serveLater({ waitMs: 2000, failures, enqueue: refused });
    expect(served).toMatchObject({
      kind: 'reported',
      report: { failed: [{ error: { code: 'UPSTREAM_TIMEOUT' } }, {}, {}] },
    });
    expect(fields).toMatchObject({ joined: 0, failed: 3 });
    expect(fields).not.toHaveProperty('queued');
  });

  it('goes to the queue without a try while RongCloud refuses calls for their rate', async () => {
    const { served, join } = await serveLater({ waitMs: 2000, isRateLimited: () => true });
    expect(served).toMatchObject({ kind: 'queued', queued: ['a', 'b', 'c'] });
    expect(join).not.toHaveBeenCalled();
    const down = await serveLater({ waitMs: 2000, isRateLimited: () => true, enqueue: refused });
    expect(down.served).toMatchObject({ kind: 'reported', report: { joined: ['a', 'b', 'c'] } });
  });
});
