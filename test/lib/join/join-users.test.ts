import { describe, expect, it, vi } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import { createJoinUsers } from '../../../lib/join/join-users.ts';

const options = { requestId: 'r', deadline: 0, log: { sent: () => {}, waitedForSecret: () => {} } };
const JOINED = { kind: 'joined', sendings: 1 } as const;
const FAILED = { kind: 'failed', sendings: 1 } as const;
const people = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);

/** A join of 2500 users, three calls, whose nth call fails as told. */
async function joinWith(...failures: (JoinErrorCode | undefined)[]) {
  const join = vi.fn(async (_form: string) => {
    const code = failures[join.mock.calls.length - 1];
    return code ? { ...FAILED, error: new JoinError(code, { upstreamCode: 1 }) } : JOINED;
  });
  const report = await createJoinUsers({ join })({ groupId: 'g', userIds: people(2500) }, options);
  return { join, report };
}

describe('createJoinUsers', () => {
  it('joins 2500 users in three calls, each user once, order kept, the name in each', async () => {
    const join = vi.fn(async (_form: string, _options: object) => JOINED);
    const report = await createJoinUsers({ join })({ groupId: 'g', userIds: people(2500), groupName: 'N' }, options);
    expect(report).toEqual({ groupId: 'g', joined: people(2500), failed: [] });
    const forms = join.mock.calls.map(([form]) => new URLSearchParams(form));
    expect(forms.flatMap((form) => form.getAll('userId'))).toEqual(people(2500));
    expect(forms.map((form) => form.getAll('groupName'))).toEqual([['N'], ['N'], ['N']]);
    expect(join.mock.calls.map(([, given]) => given)).toEqual([options, options, options]);
  });

  it('sends one call after another', async () => {
    let running = 0;
    const join = async () => {
      running += 1;
      expect(running).toBe(1);
      await Promise.resolve();
      running -= 1;
      return JOINED;
    };
    const report = await createJoinUsers({ join })({ groupId: 'g', userIds: people(3000) }, options);
    expect(report.failed).toEqual([]);
  });

  it.each([
    'GROUP_FULL',
    'UPSTREAM_MISCONFIGURED',
    'UPSTREAM_CREDENTIALS',
    'CREDENTIALS_UNAVAILABLE',
    'DEADLINE_EXCEEDED',
    'INTERNAL',
  ] as const)('sends nothing more after %s and says so of the rest', async (code) => {
    const { join, report } = await joinWith(undefined, code);
    expect(join).toHaveBeenCalledTimes(2);
    expect(report.joined).toEqual(people(1000));
    expect(
      report.failed.map(({ offset, userIds, error }) => [offset, userIds.length, error.code, error.outcome]),
    ).toEqual([
      [1000, 1000, code, new JoinError(code).outcome],
      [2000, 500, code, 'not_sent'],
    ]);
  });

  it('has no rest to speak of after the last call', async () => {
    const { report } = await joinWith(undefined, undefined, 'GROUP_FULL');
    expect(report.failed.map(({ offset, userIds }) => [offset, userIds.length])).toEqual([[2000, 500]]);
  });

  it.each([
    'UPSTREAM_REJECTED',
    'UPSTREAM_TIMEOUT',
    'UPSTREAM_UNAVAILABLE',
    'UPSTREAM_UNREACHABLE',
    'UPSTREAM_RATE_LIMITED',
  ] as const)('goes on after %s', async (code) => {
    const { join, report } = await joinWith(undefined, code);
    expect(join).toHaveBeenCalledTimes(3);
    expect(report.joined).toHaveLength(1500);
    expect(report.failed.map(({ offset, userIds }) => [offset, userIds.length])).toEqual([[1000, 1000]]);
  });
});
