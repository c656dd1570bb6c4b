import { describe, expect, it } from 'vitest';
import { idFault, nameFault, validRequestId } from '../../lib/ids.ts';

const EMPTY = 'Must not be empty.';
const LONG = 'Must be at most 64 characters.';
const UNICODE = 'Must be well-formed Unicode.';
const CONTROL = 'Must not hold control characters.';
const REPLACED = 'Must not hold U+FFFD, which stands for bytes that were not UTF-8.';
const WHITE_SPACE = 'Must not begin or end with white space.';

// Pairs at each boundary: what is just good enough, and what no longer is.
describe.each([
  ['an id', idFault],
  ['a name', nameFault],
])('%s', (_name, faultOf) => {
  it.each([
    ['1 character', 'a', undefined],
    ['0 characters', '', EMPTY],
    ['64 characters', 'x'.repeat(64), undefined],
    ['65 characters', 'x'.repeat(65), LONG],
    ['32 emoji, which are 64 UTF-16 units', '😀'.repeat(32), undefined],
    ['33 emoji, which are 66 UTF-16 units', '😀'.repeat(33), LONG],
    ['a whole surrogate pair', 'a\ud83d\ude00', undefined],
    ['a lone high surrogate', 'a\ud83d', UNICODE],
    ['a lone low surrogate', '\ude00a', UNICODE],
    ['the last C0 control character', 'a\u001fb', CONTROL],
    ['a space within', 'a b', undefined],
    ['a tilde', 'a~b', undefined],
    ['DEL', 'a\u007fb', CONTROL],
    ['the last C1 control character', 'a\u009fb', CONTROL],
    ['a no-break space within', 'a\u00a0b', undefined],
    ['a zero-width space', '\u200ba', undefined],
    ['a noncharacter', '\ufffea', undefined],
    ['the character before U+FFFD', 'a\ufffcb', undefined],
    ['U+FFFD', 'a\ufffdb', REPLACED],
    ['U+FFFD alone', '\ufffd', REPLACED],
  ])('of %s', (_text, text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });
});

it.each([' a', 'a ', '\u00a0a', 'a\u3000', '\ufeffa', ' '])('an id can not be %j, though a name can', (text) => {
  expect(idFault(text)).toBe(WHITE_SPACE);
  expect(nameFault(text)).toBeUndefined();
});

it.each(['a', 'A-1_b.c:d', 'x'.repeat(36), '8f14e45f-ceea-467f-a0e6-1f3a5a7d9b10'])('keeps the request id %s', (id) => {
  expect(validRequestId(id)).toBe(id);
});

it.each(['', 'x'.repeat(37), 'a b', 'a\n', 'é', 'a,b', undefined, 7, null, ['a']])(
  'keeps no request id like %j',
  (id) => {
    expect(validRequestId(id)).toBeUndefined();
  },
);
