import { expect, it } from 'vitest';
import { RateWindow } from '../../../sandbox/rongcloud/rate-window.ts';

const takeAll = (window: RateWindow, moments: readonly number[]) => moments.map((at) => window.take(at));

it('takes so many calls in any second that slides', () => {
  const window = new RateWindow(2);
  expect(takeAll(window, [0, 500, 999, 1000, 1499, 1500])).toEqual([true, true, false, true, false, true]);
  expect([window.left(1999), window.left(2000), window.left(2500)]).toEqual([0, 1, 2]);
});

it('stays shut while too many keep coming, if refused calls count too', () => {
  const moments = [0, 400, 800, 1200, 1600, 2599, 2600];
  expect(takeAll(new RateWindow(1, true), moments)).toEqual([true, false, false, false, false, false, false]);
  expect(takeAll(new RateWindow(1), moments)).toEqual([true, false, false, true, false, true, false]);
});
