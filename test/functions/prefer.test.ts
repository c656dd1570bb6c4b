import { describe, expect, it } from 'vitest';
import { readPrefer } from '../../functions/prefer.ts';

describe('readPrefer', () => {
  it.each([
    ['respond-async', undefined],
    ['Respond-Async', undefined],
    [' respond-async ', undefined],
    ['return=minimal, respond-async', undefined],
    ['respond-async; foo="a, b"', undefined],
    ['respond-async, wait=2', 2000],
    ['wait=2, respond-async', 2000],
    ['respond-async, wait = 2', 2000],
    ['respond-async, wait="2"', 2000],
    ['respond-async, WAIT=1', 1000],
    ['respond-async, wait=8', 8000],
    ['respond-async, wait=9', 8000],
    ['respond-async, wait=999999999', 8000],
    ['respond-async, wait=0', undefined],
    ['respond-async, wait', undefined],
    ['respond-async, wait=', undefined],
    ['respond-async, wait=-1', undefined],
    ['respond-async, wait=1.5', undefined],
    ['respond-async, wait=2s', undefined],
    ['respond-async, wait=1e3', undefined],
    ['respond-async, wait=3, wait=7', 3000],
    ['respond-async, foo="wait=5"', undefined],
    ['respond-async;wait=5', undefined],
    [', ,respond-async,,wait=4,', 4000],
    ['foo="a \\" b", respond-async', undefined],
    ['bad preference, respond-async, wait=2', 2000],
  ])('finds the wish in %j, with a wait of %j', (header, waitMs) => {
    expect(readPrefer(header)).toEqual({ waitMs });
  });

  it.each([
    undefined,
    '',
    'wait=5',
    'return=representation',
    'foo="a, respond-async, b"',
    'foo="a \\", respond-async, b"',
    'foo; respond-async',
    'respond-asynchronously',
    'x-respond-async',
    'respond async',
    'respond-async/1',
    '"respond-async"',
  ])('finds none in %j', (header) => {
    expect(readPrefer(header)).toBeUndefined();
  });

  it('takes no time over a header that goes on for ever', () => {
    for (const part of ['"', '";', 'a;', 'a="', '\\"', ' ', 'a=b;']) {
      for (const length of [1000, 10_000]) expect(readPrefer(part.repeat(length / part.length))).toBeUndefined();
    }
  });

  it.each([';b= ', '; b= ', ';b = ', ';b=" "', '; ', ' ;'])(
    'takes no time over %j again and again before what is no preference',
    (part) => {
      const startedAt = performance.now();
      for (const end of ['@', ' @', '=@']) expect(readPrefer(`respond-async${part.repeat(22)}${end}`)).toBeUndefined();
      expect(performance.now() - startedAt).toBeLessThan(100);
    },
  );

  it('reads the longest header that it reads, and no longer one', () => {
    const header = 'respond-async; foo='.padEnd(1000, 'x');
    expect(readPrefer(header)).toEqual({ waitMs: undefined });
    expect(readPrefer(`${header}x`)).toBeUndefined();
  });
});
