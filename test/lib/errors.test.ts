import { describe, expect, it } from 'vitest';
import { JoinError, leastCertain, notSent, toJoinError, toProblem } from '../../lib/errors.ts';

describe('JoinError', () => {
  it.each([
    ['INVALID_REQUEST', 400, 'not_sent', false],
    ['UNAUTHENTICATED', 401, 'not_sent', false],
    ['FORBIDDEN', 403, 'not_sent', false],
    ['UNSUPPORTED_MEDIA_TYPE', 415, 'not_sent', false],
    ['GROUP_FULL', 409, 'rejected', false],
    ['UPSTREAM_REJECTED', 422, 'rejected', false],
    ['UPSTREAM_MISCONFIGURED', 502, 'rejected', false],
    ['UPSTREAM_UNREADABLE', 502, 'unknown', true],
    ['UPSTREAM_RATE_LIMITED', 503, 'rejected', true],
    ['UPSTREAM_CREDENTIALS', 503, 'rejected', true],
    ['UPSTREAM_UNAVAILABLE', 503, 'unknown', true],
    ['UPSTREAM_UNREACHABLE', 503, 'not_sent', true],
    ['CREDENTIALS_UNAVAILABLE', 503, 'not_sent', true],
    ['IDENTITY_UNAVAILABLE', 503, 'not_sent', true],
    ['QUEUE_UNAVAILABLE', 503, 'not_sent', true],
    ['UPSTREAM_TIMEOUT', 504, 'unknown', true],
    ['DEADLINE_EXCEEDED', 504, 'not_sent', true],
    ['INTERNAL', 500, 'unknown', false],
  ] as const)('%s is a %i, %s, retryable: %s', (code, status, outcome, retryable) => {
    const error = new JoinError(code);
    expect(error).toMatchObject({ code, status, outcome, retryable });
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

describe('toProblem', () => {
  it('is a problem body with nothing of the cause in it', () => {
    const error = new JoinError('UPSTREAM_REJECTED', { upstreamCode: 1002, cause: new Error('private') });
    expect(toProblem(error, 'r-1')).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Content',
      status: 422,
      code: 'UPSTREAM_REJECTED',
      detail: 'The IM service refused the request.',
      requestId: 'r-1',
      outcome: 'rejected',
      retryable: false,
      upstreamCode: 1002,
    });
  });

  it('lists the fields at fault', () => {
    const fields = [{ pointer: '/userIds/1', detail: 'Must not be empty.' }];
    expect(toProblem(new JoinError('INVALID_REQUEST', { fields }), 'r-1')).toMatchObject({ errors: fields });
  });
});
