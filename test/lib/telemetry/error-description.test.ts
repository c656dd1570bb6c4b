import { describe, expect, it } from 'vitest';
import { JoinError, toJoinError } from '../../../lib/errors.ts';
import { describeCause, describeFailure } from '../../../lib/telemetry/error-description.ts';

describe('describeCause', () => {
  it('names a cause and its causes', () => {
    const error = new TypeError('outer', { cause: new Error('inner') });
    expect(describeCause(error)).toBe('TypeError: outer <- Error: inner');
    expect(describeCause(undefined)).toBeUndefined();
  });

  it('says of a thrown value only what kind it is', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(describeCause(circular)).toBe('a thrown object');
    expect(describeCause('secret text')).toBe('a thrown string');
    expect(describeCause(null)).toBe('a thrown null');
    expect(describeCause(Object.create(null))).toBe('a thrown object');
  });

  it('ends on causes that go in a circle', () => {
    const error = new Error('a');
    error.cause = error;
    expect(describeCause(error)).toBe('Error: a <- Error: a <- Error: a <- Error: a');
  });
});

describe('whatever was thrown', () => {
  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable(new Error('planted'), {});
    revoke();
    return proxy;
  };
  const planted = () => {
    throw new Error('planted');
  };
  const having = (name: string, value: object) => Object.defineProperty(new Error('said'), name, value);

  it.each<[string, unknown, string]>([
    ['a revoked proxy', revoked(), 'a thrown object'],
    ['a proxy that throws', new Proxy(new Error('x'), { get: planted, getPrototypeOf: planted }), 'a thrown object'],
    ['a revoked function', Object.assign(Proxy.revocable(planted, {}), {}).proxy, 'a thrown function'],
    ['an error whose name throws', having('name', { get: planted }), 'a thrown object'],
    ['an error whose message throws', having('message', { get: planted }), 'a thrown object'],
    ['an error whose stack throws', having('stack', { get: planted }), 'Error: said'],
    ['an error whose cause throws', having('cause', { get: planted }), 'a thrown object'],
    [
      'an error whose cause is a revoked proxy',
      new Error('said', { cause: revoked() }),
      'Error: said <- a thrown object',
    ],
    ['an error without a prototype', Object.setPrototypeOf(new Error('planted'), null), 'a thrown object'],
    ['a symbol as message', having('message', { value: Symbol('planted') }), 'Error: (symbol)'],
    ['an object as message', having('message', { value: { toString: () => 'planted' } }), 'Error: (object)'],
    ['no text as name', having('name', { value: { toString: planted } }), '(object): said'],
    ['no text as stack', having('stack', { value: 1n }), 'Error: said'],
    ['no message at all', Object.create(Error.prototype, { message: { value: undefined } }), 'Error: (undefined)'],
    [
      'causes without end',
      having('cause', { get: () => having('cause', { get: () => new Error('z', { cause: 'planted' }) }) }),
      'Error: said <- Error: said <- Error: z <- a thrown string',
    ],
    ['a symbol', Symbol('planted'), 'a thrown symbol'],
    ['a bigint', 1n, 'a thrown bigint'],
  ])('is described: %s', (_name, thrown, said) => {
    expect(describeCause(thrown)).toBe(said);
    const error = toJoinError(thrown);
    expect(error).toMatchObject({ code: 'INTERNAL', outcome: 'unknown' });
    expect(describeFailure(error)).toMatchObject({ code: 'INTERNAL', cause: said });
    expect(JSON.stringify(describeFailure(error))).not.toContain('planted');
  });

  it('stays the failure that it is', () => {
    const error = new JoinError('GROUP_FULL');
    expect(toJoinError(error)).toBe(error);
  });
});

describe('a failure', () => {
  it.each(['INTERNAL', 'POLICY_UNAVAILABLE'] as const)(
    'of our own code or of the rule says where it was: %s',
    (code) => {
      const { stack } = describeFailure(new JoinError(code, { cause: new Error('planted') }));
      expect(stack?.[0]).toMatch(/^ +at .*error-description\.test\.ts:\d+/);
    },
  );

  it('of another kind says no place', () => {
    expect(describeFailure(new JoinError('UPSTREAM_TIMEOUT', { cause: new Error('planted') })).stack).toBeUndefined();
  });
});
