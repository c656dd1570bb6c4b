import { describe, expect, it } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import type { FailedAttempt } from '../../../lib/rongcloud/attempts.ts';
import { planRetry, RetryBudget } from '../../../lib/rongcloud/retry.ts';

const failed = (domainIndex: number, code: JoinErrorCode, upstreamCode?: number): FailedAttempt => ({
  domainIndex,
  error: new JoinError(code, upstreamCode === undefined ? {} : { upstreamCode }),
});
/** The plan with the longest and the shortest wait that chance can give. */
const range = (...attempts: FailedAttempt[]) => {
  const latest = planRetry(attempts, 2, () => 1);
  const soonest = planRetry(attempts, 2, () => 0);
  return latest && soonest && [latest.domainIndex, soonest.delayMs, latest.delayMs];
};

describe('planRetry', () => {
  it.each(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_UNREACHABLE', 'UPSTREAM_UNREADABLE'] as const)(
    'goes to the other domain within 100 ms after %s',
    (code) => {
      expect(range(failed(0, code))).toEqual([1, 0, 100]);
      expect(range(failed(1, code))).toEqual([0, 0, 100]);
    },
  );

  it('waits longer before a domain that it tried before', () => {
    const both = [failed(0, 'UPSTREAM_TIMEOUT'), failed(1, 'UPSTREAM_TIMEOUT')];
    expect(range(...both)).toEqual([0, 0, 200]);
    expect(range(...both, ...both)).toEqual([0, 0, 400]);
  });

  it('waits a share of the longest wait, by chance', () => {
    expect(planRetry([failed(0, 'UPSTREAM_TIMEOUT')], 2, () => 0.25)).toEqual({ domainIndex: 1, delayMs: 25 });
    expect(planRetry([failed(0, 'UPSTREAM_RATE_LIMITED')], 2, () => 0.25)).toEqual({ domainIndex: 0, delayMs: 1750 });
  });

  it('comes back to the only domain there is', () => {
    expect(planRetry([failed(0, 'UPSTREAM_TIMEOUT')], 1, () => 1)).toEqual({ domainIndex: 0, delayMs: 200 });
  });

  it('plans nothing before the first attempt', () => {
    expect(planRetry([], 2, () => 1)).toBeUndefined();
  });

  it('waits 1 to 4 s after a rate limit and stays', () => {
    expect(range(failed(0, 'UPSTREAM_RATE_LIMITED'))).toEqual([0, 1000, 4000]);
    expect(range(failed(0, 'UPSTREAM_TIMEOUT'), failed(1, 'UPSTREAM_RATE_LIMITED'))).toEqual([1, 1000, 4000]);
  });

  it('tries an internal error once more and not twice', () => {
    const internal = (domainIndex: number) => failed(domainIndex, 'UPSTREAM_UNAVAILABLE', 1000);
    expect(range(internal(0))).toEqual([1, 0, 100]);
    expect(range(internal(0), internal(1))).toBeUndefined();
    expect(range(failed(0, 'UPSTREAM_TIMEOUT'), internal(1))).toEqual([0, 0, 200]);
  });

  it.each([
    'GROUP_FULL',
    'UPSTREAM_REJECTED',
    'UPSTREAM_MISCONFIGURED',
    'UPSTREAM_CREDENTIALS',
    'DEADLINE_EXCEEDED',
    'INTERNAL',
  ] as const)('does not try %s again', (code) => {
    expect(range(failed(0, code))).toBeUndefined();
  });
});

describe('RetryBudget', () => {
  const timeout = new JoinError('UPSTREAM_TIMEOUT');
  const tooMany = new JoinError('UPSTREAM_RATE_LIMITED');
  const takeAll = (budget: RetryBudget, failure: JoinError) =>
    Array.from({ length: 20 }, () => budget.take(failure)).filter(Boolean).length;
  const refill = (budget: RetryBudget, times: number) => {
    for (let i = 0; i < times; i++) budget.refill();
  };

  it('starts with 2 retries, and earns one for each ten successes', () => {
    const budget = new RetryBudget();
    expect(takeAll(budget, timeout)).toBe(2);
    refill(budget, 9);
    expect(takeAll(budget, timeout)).toBe(0);
    refill(budget, 1);
    expect(takeAll(budget, timeout)).toBe(1);
  });

  it('holds 10 at most', () => {
    const budget = new RetryBudget();
    refill(budget, 1000);
    expect(takeAll(budget, timeout)).toBe(10);
  });

  it('keeps one back from refusals for rate', () => {
    const budget = new RetryBudget();
    expect(takeAll(budget, tooMany)).toBe(1);
    refill(budget, 9);
    expect(takeAll(budget, tooMany)).toBe(0);
    refill(budget, 1);
    expect(takeAll(budget, tooMany)).toBe(1);
    refill(budget, 1000);
    expect(takeAll(budget, tooMany)).toBe(9);
    expect(takeAll(budget, timeout)).toBe(1);
  });
});
