const WINDOW_MS = 1000;

/**
 * A limit of calls over the last second, which slides. RongCloud does not say whether calls that it refuses count: a
 * window that counts them stays shut while too many keep coming.
 */
export class RateWindow {
  readonly #limit: number;
  readonly #countsRefused: boolean;
  readonly #counted: number[] = [];

  constructor(callsPerSecond: number, countsRefused = false) {
    this.#limit = callsPerSecond;
    this.#countsRefused = countsRefused;
  }

  /** How many calls may still be made at this moment. */
  left(now: number): number {
    while (this.#counted[0] !== undefined && now - this.#counted[0] >= WINDOW_MS) this.#counted.shift();
    return this.#limit - this.#counted.length;
  }

  /** Whether a call that arrives at this moment is within the limit. */
  take(now: number): boolean {
    const taken = this.left(now) > 0;
    if (taken || this.#countsRefused) this.#counted.push(now);
    return taken;
  }
}
