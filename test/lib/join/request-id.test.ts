import { expect, it } from 'vitest';
import { validRequestId } from '../../../lib/join/request-id.ts';

it.each(['a', 'A-1_b.c:d', 'x'.repeat(36), '8f14e45f-ceea-467f-a0e6-1f3a5a7d9b10'])('keeps %s', (id) => {
  expect(validRequestId(id)).toBe(id);
});

it.each(['', 'x'.repeat(37), 'a b', 'a\n', 'é', 'a,b', undefined, 7, null, ['a']])('refuses %j', (id) => {
  expect(validRequestId(id)).toBeUndefined();
});
