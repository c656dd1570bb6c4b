import { describe, expect, it } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import { Attempts, leastCertainError } from '../../../lib/rongcloud/attempts.ts';

describe('Attempts', () => {
  const error = (code: JoinErrorCode) => new JoinError(code);

  it('are on one domain each, and hold those that failed, the one under way included', () => {
    const attempts = new Attempts(1);
    attempts.next(0);
    expect([attempts.domainIndex, attempts.failed]).toEqual([0, []]);
    const [timeout, unavailable] = [error('UPSTREAM_TIMEOUT'), error('UPSTREAM_UNAVAILABLE')];
    attempts.sent(timeout);
    expect(attempts.failed).toEqual([{ domainIndex: 0, error: timeout }]);
    attempts.next(1);
    attempts.next();
    expect([attempts.failure, attempts.failed]).toEqual([undefined, [{ domainIndex: 0, error: timeout }]]);
    attempts.sent(unavailable);
    expect(attempts.failed.at(-1)).toEqual({ domainIndex: 1, error: unavailable });
    attempts.sent(undefined);
    expect([attempts.failure, attempts.failed.length]).toEqual([undefined, 1]);
  });

  // The second sending of an attempt replaces one on a connection that was dead, and that one may have arrived.
  it.each([
    ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_REJECTED', 'UPSTREAM_REJECTED', 'unknown'],
    ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_UNREACHABLE', 'UPSTREAM_UNAVAILABLE', 'unknown'],
    ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_TIMEOUT', 'unknown'],
    ['UPSTREAM_CREDENTIALS', 'UPSTREAM_REJECTED', 'UPSTREAM_REJECTED', 'rejected'],
    ['UPSTREAM_CREDENTIALS', 'UPSTREAM_UNREACHABLE', 'UPSTREAM_CREDENTIALS', 'rejected'],
  ] as const)('that meet %s and then %s have failed with %s, %s', (first, second, code, outcome) => {
    const attempts = new Attempts(0);
    attempts.sent(error(first));
    attempts.sent(error(second));
    expect(attempts.failure).toMatchObject({ code, outcome });
  });

  it('that were not sent at all have failed so', () => {
    const attempts = new Attempts(0);
    attempts.sent(error('UPSTREAM_UNREACHABLE'));
    expect(attempts.failure).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', outcome: 'not_sent' });
  });
});

describe('leastCertainError', () => {
  const of = (...codes: JoinErrorCode[]) =>
    leastCertainError(codes.map((code) => ({ domainIndex: 0, error: new JoinError(code) }))).code;

  it('is the failure that says least of whether the users joined', () => {
    expect(of('UPSTREAM_TIMEOUT', 'UPSTREAM_UNREACHABLE')).toBe('UPSTREAM_TIMEOUT');
    expect(of('UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT')).toBe('UPSTREAM_TIMEOUT');
    expect(of('UPSTREAM_REJECTED', 'UPSTREAM_UNREACHABLE')).toBe('UPSTREAM_REJECTED');
  });

  it('is the last of those that say equally little', () => {
    expect(of('UPSTREAM_TIMEOUT', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_UNREACHABLE')).toBe('UPSTREAM_UNAVAILABLE');
    expect(of('UPSTREAM_UNREACHABLE', 'DEADLINE_EXCEEDED')).toBe('DEADLINE_EXCEEDED');
  });
});
