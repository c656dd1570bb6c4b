import { describe, expect, it } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import { leastCertainError } from '../../../lib/rongcloud/attempts.ts';

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
