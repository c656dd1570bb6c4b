import { describe, expect, it, vi } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { RequestLine } from '../../../lib/telemetry/request-line.ts';
import { clockOf } from '../../helpers/clock-of.ts';

function start() {
  const clock = { ms: 1000 };
  const telemetry = { request: vi.fn(), sending: vi.fn() };
  const ids = { requestId: 'mine', lambdaRequestId: 'aws-1' };
  const line = new RequestLine(
    telemetry,
    clockOf(() => clock.ms),
    { door: 'invoke', ...ids },
  );
  return { clock, telemetry, line, ids };
}

describe("a request's line", () => {
  it('says what became of its users, and how long it took', () => {
    const { clock, telemetry, line, ids } = start();
    const userIds = ['a', 'b', 'c', 'd', 'e'];
    line.admitted({ groupId: 'g', userIds });
    clock.ms += 40;
    const full = new JoinError('GROUP_FULL');
    const failed = [
      { userIds: ['b'], error: full },
      { userIds: ['d', 'e'], error: full },
    ];
    line.reported({ joined: ['a'], failed, queued: ['c'] }, full);
    const users = { users: 5, joined: 1, failed: 3, queued: 1 };
    expect(telemetry.request.mock.calls).toEqual([
      [{ door: 'invoke', ...ids, groupId: 'g', ...users, durationMs: 40 }, full, undefined],
    ]);
  });

  it('gives one rejected user, and not in its fields', () => {
    const { telemetry, line } = start();
    const [full, rejected] = [new JoinError('GROUP_FULL'), new JoinError('UPSTREAM_REJECTED')];
    const failed = [
      { userIds: ['planted-1'], error: full },
      { userIds: ['planted-2', 'planted-3'], error: rejected },
    ];
    line.reported({ joined: [], failed }, full);
    const [[fields, , userId] = []] = telemetry.request.mock.calls;
    expect(userId).toBe('planted-2');
    expect(JSON.stringify(fields)).not.toContain('planted');
  });

  it('says how many did not join for each code, if there are several, the one of the name included', () => {
    const { telemetry, line } = start();
    const [full, undecided] = [new JoinError('GROUP_FULL'), new JoinError('UNDECIDED')];
    const failed = [
      { userIds: ['b'], error: full },
      { userIds: ['c', 'd'], error: undecided },
      { userIds: ['e', 'f', 'g'], error: full },
    ];
    const nameError = new JoinError('UPSTREAM_REJECTED');
    line.reported({ joined: ['a'], failed, nameError }, full);
    expect(telemetry.request.mock.lastCall?.[0]).toMatchObject({
      failed: 6,
      failedByCode: { GROUP_FULL: 4, UNDECIDED: 2, UPSTREAM_REJECTED: 0 },
    });
  });

  it('says no more of a request that failed as a whole than is known', () => {
    const { telemetry, line, ids } = start();
    const forbidden = new JoinError('FORBIDDEN');
    line.failed(forbidden);
    expect(telemetry.request.mock.calls).toEqual([[{ door: 'invoke', ...ids, durationMs: 0 }, forbidden, undefined]]);
  });

  it('adds up the sendings and the waits behind a request', () => {
    const { telemetry, line } = start();
    const sendings = [
      { ordinal: 1, host: 'p.example', durationMs: 30, error: new JoinError('UPSTREAM_TIMEOUT') },
      { ordinal: 2, host: 'b.example', durationMs: 12, error: undefined },
    ];
    for (const ms of [5, 2]) line.waitedForSecret(ms);
    for (const sending of sendings) line.sent(sending);
    expect(line.fields).toMatchObject({
      attempts: 2,
      upstreamMs: 42,
      domain: 'b.example',
      upstreamRequestId: 'mine',
      secretMs: 7,
    });
    expect(telemetry.sending.mock.calls).toEqual(sendings.map((sending) => [sending, 'aws-1']));
  });
});
