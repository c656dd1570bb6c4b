import { describe, expect, it } from 'vitest';
import { JoinError, leastCertain, notSent, toJoinError } from '../../lib/errors.ts';

describe('JoinError', () => {
  it.each([
    ['INVALID_REQUEST', 400, 'not_sent', false, 'caller'],
    ['UNAUTHENTICATED', 401, 'not_sent', false, 'caller'],
    ['FORBIDDEN', 403, 'not_sent', false, 'caller'],
    ['UNSUPPORTED_MEDIA_TYPE', 415, 'not_sent', false, 'caller'],
    ['GROUP_FULL', 409, 'rejected', false, 'group'],
    ['UPSTREAM_REJECTED', 422, 'rejected', false, 'users'],
    ['UPSTREAM_MISCONFIGURED', 502, 'rejected', false, 'service'],
    ['UPSTREAM_UNREADABLE', 502, 'unknown', true, 'domain'],
    ['UPSTREAM_RATE_LIMITED', 503, 'rejected', true, 'rate'],
    ['UPSTREAM_CREDENTIALS', 503, 'rejected', true, 'service'],
    ['UPSTREAM_UNAVAILABLE', 503, 'unknown', true, 'domain'],
    ['UPSTREAM_UNREACHABLE', 503, 'not_sent', true, 'domain'],
    ['CREDENTIALS_UNAVAILABLE', 503, 'not_sent', true, 'service'],
    ['IDENTITY_UNAVAILABLE', 503, 'not_sent', true, 'service'],
    ['QUEUE_UNAVAILABLE', 503, 'not_sent', true, 'service'],
    ['UPSTREAM_TIMEOUT', 504, 'unknown', true, 'domain'],
    ['DEADLINE_EXCEEDED', 504, 'not_sent', true, 'time'],
    ['INTERNAL', 500, 'unknown', false, 'bug'],
  ] as const)('%s is a %i, %s, retryable: %s, and blames the %s', (code, status, outcome, retryable, blames) => {
    const error = new JoinError(code);
    expect(error).toMatchObject({ code, status, outcome, retryable, blames });
    // RFC 9110 wants a Retry-After with a 503, and only there is it promised.
    expect(error.retryAfterSeconds === undefined).toBe(status !== 503);
  });

  it('keeps the cause and takes an outcome of its own', () => {
    const cause = new Error('why');
    expect(new JoinError('INTERNAL', { cause, outcome: 'not_sent' })).toMatchObject({ cause, outcome: 'not_sent' });
  });
});

describe('toJoinError', () => {
  it('lets a JoinError through and makes anything else INTERNAL', () => {
    const error = new JoinError('FORBIDDEN');
    expect(toJoinError(error)).toBe(error);
    for (const thrown of [new TypeError('x'), 'text', undefined, null, { circular: true }]) {
      expect(toJoinError(thrown)).toMatchObject({ code: 'INTERNAL', outcome: 'unknown' });
    }
  });
});

describe('notSent', () => {
  it('keeps the code and says that nothing was sent', () => {
    expect(notSent(new JoinError('GROUP_FULL', { upstreamCode: 405 }))).toMatchObject({
      code: 'GROUP_FULL',
      outcome: 'not_sent',
      upstreamCode: undefined,
    });
  });
});

describe('leastCertain', () => {
  it('puts unknown before rejected before not_sent', () => {
    expect(leastCertain(['not_sent', 'rejected'])).toBe('rejected');
    expect(leastCertain(['rejected', 'unknown', 'not_sent'])).toBe('unknown');
    expect(leastCertain(['not_sent'])).toBe('not_sent');
  });
});
