import { Clock } from '../../lib/clock.ts';

/** A clock both of whose readings are this one. */
export function clockOf(now: () => number): Clock {
  return new Clock(now, now);
}
