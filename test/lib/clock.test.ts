import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type Sleep, steadyMs, withDeadline } from '../../lib/clock.ts';

const late = () => 'late';
const never = new Promise<never>(() => {});

it('gives whole milliseconds, which logs and metrics show as they are', () => {
  expect([steadyMs(), steadyMs()].every(Number.isInteger)).toBe(true);
});

describe('withDeadline', () => {
  it('gives what comes of the work if that is in time, and ends the wait', async () => {
    let signal: AbortSignal | undefined;
    const sleep: Sleep = (ms, options) => {
      signal = options?.signal;
      return setTimeout(ms, undefined, options);
    };
    expect(await withDeadline(Promise.resolve('done'), 60_000, sleep, late)).toBe('done');
    await expect.poll(() => signal?.aborted).toBe(true);
  });

  it('says that it is late if it is, and does not wait for it', async () => {
    expect(await withDeadline(never, 5, setTimeout, late)).toBe('late');
  });

  it.each([
    [1500, 1500],
    [0, 0],
    [-1, 0],
  ])('with %i ms left waits %i', async (leftMs, waitMs) => {
    const sleep = vi.fn<Sleep>(async () => undefined);
    expect(await withDeadline(never, leftMs, sleep, late)).toBe('late');
    expect(sleep.mock.lastCall?.[0]).toBe(waitMs);
  });

  it('rejects as the work does', async () => {
    await expect(withDeadline(Promise.reject(new TypeError('a bug')), 60_000, () => never, late)).rejects.toThrow(
      'a bug',
    );
  });
});
