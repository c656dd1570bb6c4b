import { describe, expect, it } from 'vitest';
import { Recent } from '../../../lib/telemetry/telemetry.ts';
import { clockOf } from '../../helpers/clock-of.ts';

const MINUTE = 60_000;

describe('Recent', () => {
  let now = 0;
  const recent = () => {
    now = 0;
    return new Recent(clockOf(() => now));
  };

  it('counts different ones, up to three', () => {
    const held = recent();
    expect(['a', 'b', 'a', 'c', 'd', 'e'].map((one) => held.add(one))).toEqual([1, 2, 2, 3, 3, 3]);
  });

  it('forgets one that has not come again for twelve minutes', () => {
    const held = recent();
    held.add('a');
    now = 12 * MINUTE - 1;
    expect(held.add('b')).toBe(2);
    now = 12 * MINUTE;
    expect(held.add('b')).toBe(1);
    expect(held.add('a')).toBe(2);
  });

  it('counts one that comes again and again once, however long', () => {
    const held = recent();
    for (; now < 60 * MINUTE; now += MINUTE) expect(held.add('a')).toBe(1);
  });
});
