import type { Clock, Moment } from '../clock.ts';

export interface PacerOptions {
  /** What the rate is at the most. */
  ratePerSecond: number;
  clock: Clock;
  sleep: (ms: number) => Promise<unknown>;
}

/** What a refusal divides the rate by. Half would leave RongCloud's limit shut where it counts refused calls too. */
const CUT = 4;
/** Calls a second that are left when everything else needs the limit. */
const MIN_RATE = 1;

/**
 * Gives slots for calls at a steady rate. The next slot is never sooner than one interval after the last was
 * really given: time that was lost to a stall is not made up for. A refusal cuts the rate to a quarter, at most once a
 * second; each second without one gives one call a second back.
 */
export class Pacer {
  readonly #options: PacerOptions;
  /** By the steady clock. */
  #last = Number.NEGATIVE_INFINITY;
  #reducedRate: number;
  #reducedAt: Moment | undefined;
  #refusedAt: Moment | undefined;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#reducedRate = options.ratePerSecond;
  }

  /** Marks the start of an invocation: its first slot waits one interval too, so that a cold start makes no burst. */
  begin(): void {
    this.#last = Math.max(this.#last, this.#options.clock.steady());
  }

  /**
   * Waits for the next slot; to be asked for one at a time. `wanted` says whether a slot at that time (by the steady
   * clock) is of any use: if not, resolves to false at once.
   */
  async slot(wanted: (at: number) => boolean): Promise<boolean> {
    const { clock, sleep } = this.#options;
    const at = Math.max(clock.steady(), this.#last + 1000 / this.#rate());
    if (!wanted(at)) return false;
    const waitMs = at - clock.steady();
    if (waitMs > 0) await sleep(waitMs);
    this.#last = Math.max(clock.steady(), at);
    return true;
  }

  /** Gives way: RongCloud refused a call because there are too many. */
  slowDown(): void {
    const { ratePerSecond, clock } = this.#options;
    const current = this.#rate();
    const isNew = !clock.isWithin(1000, this.#reducedAt);
    this.#reducedRate = isNew ? Math.max(Math.min(MIN_RATE, ratePerSecond), current / CUT) : current;
    if (isNew) this.#reducedAt = clock.now();
    this.#refusedAt = clock.now();
  }

  #rate(): number {
    const { ratePerSecond, clock } = this.#options;
    return Math.min(ratePerSecond, this.#reducedRate + Math.floor(clock.since(this.#refusedAt) / 1000));
  }
}
