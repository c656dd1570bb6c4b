import { expect, it } from 'vitest';
import { createRandomPool } from '../../lib/random-pool.ts';

it('gives out bytes of the size that was asked for, and none twice', () => {
  const random = createRandomPool();
  const nonces = new Set<string>();
  for (let i = 0; i < 10_000; i++) nonces.add(Buffer.from(random(9)).toString('hex'));
  expect(nonces.size).toBe(10_000);
  expect([...nonces].every((nonce) => nonce.length === 18)).toBe(true);
});

it('keeps no hold on what it gave out', () => {
  const random = createRandomPool();
  const first = random(9);
  const before = [...first];
  for (let i = 0; i < 1000; i++) random(9).fill(0);
  expect([...first]).toEqual(before);
});
