import { describe, expect, it, vi } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import type { JoinReport, JoinUsers } from '../../../lib/join/join-users.ts';
import { failureOf, type ServeOptions, serve } from '../../../lib/join/serve.ts';
import type { RequestFields } from '../../../lib/telemetry/fields.ts';
import { clockOf } from '../../helpers/clock-of.ts';

const request = { groupId: 'g', userIds: ['a', 'b', 'c'] };
const full = new JoinError('GROUP_FULL');

interface Told {
  joinUsers?: JoinUsers;
  options?: Partial<ServeOptions>;
}

/** Serves one request, which takes 40 ms to be joined unless told otherwise. */
async function serveWith({ joinUsers, options = {} }: Told = {}) {
  const clock = { ms: 1000 };
  const join = vi.fn<JoinUsers>(
    joinUsers ??
      (async ({ groupId, userIds }) => {
        clock.ms += 40;
        return { groupId, joined: userIds, failed: [] };
      }),
  );
  const log = vi.fn<(fields: RequestFields, error?: JoinError) => void>();
  const attempt = vi.fn();
  const served = await serve(
    { joinUsers: join, telemetry: { request: log, attempt }, clock: clockOf(() => clock.ms) },
    {
      door: 'invoke',
      invocation: { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 15_000 },
      givenRequestId: undefined,
      admit: async () => ({ request }),
      ...options,
    },
  );
  const [fields, error] = log.mock.lastCall ?? [];
  return { served, join, log, attempt, fields, error };
}

describe('serve', () => {
  it('joins within the time of the invocation less half a second, and writes one line', async () => {
    const { served, join, log } = await serveWith();
    const report = { groupId: 'g', joined: ['a', 'b', 'c'], failed: [] };
    expect(served).toEqual({ requestId: 'aws-1', kind: 'reported', report });
    expect(join.mock.calls[0]?.[0]).toBe(request);
    expect(join.mock.calls[0]?.[1]).toMatchObject({ requestId: 'aws-1', deadline: 1000 + 15_000 - 500 });
    expect(log.mock.calls).toEqual([
      [
        {
          door: 'invoke',
          requestId: 'aws-1',
          lambdaRequestId: 'aws-1',
          groupId: 'g',
          users: 3,
          joined: 3,
          failed: 0,
          durationMs: 40,
        },
        undefined,
      ],
    ]);
  });

  it('goes by the request id that it is given if that is a valid one', async () => {
    const { served, join, fields } = await serveWith({ options: { givenRequestId: 'mine' } });
    expect([served.requestId, join.mock.calls[0]?.[1].requestId, fields?.requestId]).toEqual(['mine', 'mine', 'mine']);
    expect((await serveWith({ options: { givenRequestId: 'a b' } })).served.requestId).toBe('aws-1');
  });

  const TRACE = '0af7651916cd43dd8448eb211c80319c';
  const SPAN = 'b7ad6b7169203331';
  it.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`ff-${TRACE}-${SPAN}-00`, true],
    [`0-${TRACE}-${SPAN}-01`, false],
    [`00-${TRACE.slice(1)}-${SPAN}-01`, false],
    [`00-${TRACE}-${SPAN}0-01`, false],
    [`00-${TRACE}-${SPAN}-1`, false],
    [`00-${TRACE}-${SPAN}-01-more`, false],
    [` 00-${TRACE}-${SPAN}-01`, false],
    [`00-${TRACE}-${SPAN}-0G`, false],
    ['', false],
  ])('logs the trace context %j: %s', async (traceparent, logged) => {
    const { fields } = await serveWith({ options: { traceparent } });
    expect(fields?.traceparent).toBe(logged ? traceparent : undefined);
  });

  it('tells of the attempts and the waits behind a request', async () => {
    const attempts = [
      { ordinal: 1, host: 'p.example', durationMs: 30, error: new JoinError('UPSTREAM_TIMEOUT') },
      { ordinal: 2, host: 'b.example', durationMs: 12, error: undefined },
    ];
    const { fields, attempt } = await serveWith({
      joinUsers: async ({ groupId, userIds }, { onAttempt, onSecret }) => {
        onSecret?.(5);
        onSecret?.(2);
        for (const one of attempts) onAttempt?.(one);
        return { groupId, joined: userIds, failed: [] };
      },
      options: {
        admit: async (tell) => {
          tell.durationMs(7);
          tell.client('backend-7');
          return { request };
        },
      },
    });
    expect(fields).toMatchObject({
      attempts: 2,
      upstreamMs: 42,
      domain: 'b.example',
      upstreamRequestId: 'aws-1',
      secretMs: 7,
      identityMs: 7,
      client: 'backend-7',
    });
    expect(attempt.mock.calls).toEqual(attempts.map((one) => [one, 'aws-1']));
  });

  it('counts who did not join, and tells of the first failure', async () => {
    const report: JoinReport = {
      groupId: 'g',
      joined: ['a'],
      failed: [
        { offset: 1, userIds: ['b'], error: full },
        { offset: 2, userIds: ['c'], error: new JoinError('DEADLINE_EXCEEDED') },
      ],
    };
    const { served, fields, error } = await serveWith({ joinUsers: async () => report });
    expect(served).toEqual({ requestId: 'aws-1', kind: 'reported', report });
    expect(fields).toMatchObject({ users: 3, joined: 1, failed: 2 });
    expect(error).toBe(full);
  });

  it('joins nobody who is not admitted, and keeps the reason', async () => {
    const forbidden = new JoinError('FORBIDDEN');
    const { served, join, fields, error } = await serveWith({ options: { admit: () => Promise.reject(forbidden) } });
    expect(served).toEqual({ requestId: 'aws-1', kind: 'failed', error: forbidden });
    expect(join).not.toHaveBeenCalled();
    expect(fields).toEqual({ door: 'invoke', requestId: 'aws-1', lambdaRequestId: 'aws-1', durationMs: 0 });
    expect(error).toBe(forbidden);
  });

  it('calls what nobody foresaw INTERNAL, wherever it is thrown', async () => {
    const bug = () => Promise.reject(new TypeError('a bug'));
    for (const told of [
      { joinUsers: bug },
      { options: { admit: bug } },
      { options: { later: { enqueue: bug, waitMs: undefined } } },
    ]) {
      const { served, error } = await serveWith(told);
      expect(served).toMatchObject({ kind: 'failed', error: { code: 'INTERNAL', cause: { message: 'a bug' } } });
      expect(error).toMatchObject({ code: 'INTERNAL' });
    }
  });

  it('keeps to a limit of its own that ends before the invocation does', async () => {
    const { join } = await serveWith({ options: { limitMs: 8000 } });
    expect(join.mock.calls[0]?.[1].deadline).toBe(1000 + 8000);
    const late = await serveWith({ options: { limitMs: 60_000 } });
    expect(late.join.mock.calls[0]?.[1].deadline).toBe(1000 + 15_000 - 500);
  });
});

describe('failureOf', () => {
  it('is the first failure, whichever way a request failed', () => {
    const requestId = 'r';
    const report = (failed: JoinReport['failed']) => ({ groupId: 'g', joined: [], failed });
    expect(failureOf({ requestId, kind: 'failed', error: full })).toBe(full);
    expect(failureOf({ requestId, kind: 'queued', queued: ['a'], ...report([]) })).toBeUndefined();
    expect(failureOf({ requestId, kind: 'reported', report: report([]) })).toBeUndefined();
    const failed = [{ offset: 0, userIds: ['a'], error: full }];
    expect(failureOf({ requestId, kind: 'reported', report: report(failed) })).toBe(full);
  });
});
