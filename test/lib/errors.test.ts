import { describe, expect, it } from 'vitest';
import { JoinError, leastCertain, notSent, toJoinError } from '../../lib/errors.ts';

const CODES = [
  ['INVALID_REQUEST', 400, 'not_sent', false, 'caller'],
  ['UNAUTHENTICATED', 401, 'not_sent', false, 'caller'],
  ['FORBIDDEN', 403, 'not_sent', false, 'caller'],
  ['PAYLOAD_TOO_LARGE', 413, 'not_sent', false, 'caller'],
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
  ['POLICY_UNAVAILABLE', 503, 'not_sent', true, 'service'],
  ['QUEUE_UNAVAILABLE', 503, 'not_sent', true, 'service'],
  ['UPSTREAM_TIMEOUT', 504, 'unknown', true, 'domain'],
  ['DEADLINE_EXCEEDED', 504, 'not_sent', true, 'time'],
  ['INTERNAL', 500, 'unknown', false, 'bug'],
] as const;

describe('JoinError', () => {
  it.each(CODES)('%s is a %i, %s, retryable: %s, and blames the %s', (code, status, outcome, retryable, blames) => {
    const error = new JoinError(code);
    expect(error).toMatchObject({ code, status, outcome, retryable, blames });
    // RFC 9110 wants a Retry-After with a 503, and only there is it promised.
    expect(error.retryAfterSeconds === undefined).toBe(status !== 503);
  });

  it('tells callers a sentence of its own for each code, and that repeating is safe where users may have joined', () => {
    const sentences = CODES.map(([code]) => new JoinError(code).message);
    expect(new Set(sentences).size).toBe(CODES.length);
    for (const sentence of sentences)
      expect(sentence).toMatch(/^[A-Z][^.]+\.( The users may have joined; repeating is safe\.)?$/);
    const safe = CODES.filter((_, i) => sentences[i]?.endsWith('may have joined; repeating is safe.'));
    const mayHaveJoined = CODES.filter(([, , outcome, retryable]) => outcome === 'unknown' && retryable);
    expect(safe.map(([code]) => code).sort()).toEqual(mayHaveJoined.map(([code]) => code).sort());
  });

  it('asks for a wait by what went wrong', () => {
    const waits = (['UPSTREAM_RATE_LIMITED', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_CREDENTIALS'] as const).map(
      (code) => new JoinError(code).retryAfterSeconds,
    );
    expect(waits).toEqual([2, 5, 30]);
  });

  it('is an Error that knows its name', () => {
    expect(new JoinError('FORBIDDEN')).toBeInstanceOf(Error);
    expect(String(new JoinError('FORBIDDEN', { detail: 'No.' }))).toBe('JoinError: No.');
  });

  it('keeps the cause and the facts that it is given, and takes an outcome of its own', () => {
    const facts = {
      cause: new Error('why'),
      outcome: 'not_sent',
      upstreamCode: 1000,
      requestId: 'r',
      fields: [{ pointer: '/groupId', detail: 'Is required.' }],
    } as const;
    expect(new JoinError('INTERNAL', facts)).toMatchObject(facts);
    expect(new JoinError('INTERNAL', { detail: 'Another sentence.' }).message).toBe('Another sentence.');
    expect(Object.hasOwn(new JoinError('INTERNAL'), 'cause')).toBe(false);
  });
});

describe('toJoinError', () => {
  it('lets a JoinError through and makes anything else INTERNAL', () => {
    const error = new JoinError('FORBIDDEN');
    expect(toJoinError(error)).toBe(error);
    for (const thrown of [new TypeError('x'), 'text', undefined, null, { circular: true }]) {
      const internal = toJoinError(thrown);
      expect(internal).toMatchObject({ code: 'INTERNAL', outcome: 'unknown' });
      expect(internal.cause).toBe(thrown);
    }
  });
});

describe('notSent', () => {
  it('keeps the code and says that nothing was sent', () => {
    const met = new JoinError('GROUP_FULL', { upstreamCode: 405, detail: 'No room.' });
    const spared = notSent(met);
    expect(spared).toMatchObject({ code: 'GROUP_FULL', outcome: 'not_sent', message: 'No room.', cause: met });
    expect(spared.upstreamCode).toBeUndefined();
  });
});

describe('leastCertain', () => {
  it('puts unknown before rejected before not_sent', () => {
    expect(leastCertain(['not_sent', 'rejected'])).toBe('rejected');
    expect(leastCertain(['rejected', 'unknown', 'not_sent'])).toBe('unknown');
    expect(leastCertain(['unknown', 'rejected'])).toBe('unknown');
    expect(leastCertain(['rejected', 'not_sent'])).toBe('rejected');
    expect(leastCertain(['not_sent'])).toBe('not_sent');
    expect(leastCertain([])).toBe('not_sent');
  });
});
