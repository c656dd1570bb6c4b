import { Clock, type Moment } from '../clock.ts';

/** As long as a data point of the alarms that ask for this. */
const WINDOW_MS = 12 * 60_000;
/** More of them would tell the alarms nothing more. */
const MAX_HELD = 3;

/** The last few different ones that came in twelve minutes. */
export class Recent {
  readonly #clock: Pick<Clock, 'now' | 'isWithin'>;
  readonly #seenAt = new Map<string, Moment>();

  constructor(clock: Pick<Clock, 'now' | 'isWithin'> = new Clock()) {
    this.#clock = clock;
  }

  /** Adds one, and says how many different ones there were: three at most. */
  add(one: string): number {
    this.#seenAt.delete(one);
    this.#seenAt.set(one, this.#clock.now());
    // The oldest come first.
    for (const [other, seenAt] of this.#seenAt) {
      if (this.#seenAt.size > MAX_HELD || !this.#clock.isWithin(WINDOW_MS, seenAt)) this.#seenAt.delete(other);
    }
    return this.#seenAt.size;
  }
}
