import type { Clock, Moment } from '../clock.ts';
import type { JoinError } from '../errors.ts';
import type { FailedAttempt } from './attempts.ts';
import { refusesUsersOrGroup } from './return-codes.ts';

/** Calls are made warily this long after one that failed on every domain that it tried. */
const WARY_MS = 10_000;
/** A call would most likely be refused again this long after a refusal for rate. */
const RATE_LIMITED_MS = 2000;

/** What the last calls say of RongCloud as a whole, so that the next ones do not wait for it in vain. */
export class Outage {
  readonly #clock: Clock;
  #failedAt: Moment | undefined;
  #rateLimitedAt: Moment | undefined;
  /** When the last clear answer came, by the steady clock. */
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the last call failed on every domain that it tried, not long ago. */
  get isWary(): boolean {
    return this.#clock.isWithin(WARY_MS, this.#failedAt);
  }

  /** Whether RongCloud has just refused a call because there are too many. */
  get isRateLimited(): boolean {
    return this.#clock.isWithin(RATE_LIMITED_MS, this.#rateLimitedAt);
  }

  /** How a sending ended, in time or late: a clear answer, yes or no, says that RongCloud works. */
  answered(error: JoinError | undefined): void {
    if (error && !refusesUsersOrGroup(error)) return;
    this.#failedAt = undefined;
    this.#answeredAt = this.#clock.steady();
  }

  /**
   * A call that started at this moment of the steady clock failed, after these attempts. It makes nobody wary if RongCloud
   * answered clearly meanwhile: while answers are slow, calls that were cut short would keep each other wary.
   */
  failed(attempts: readonly FailedAttempt[], startedAt: number): void {
    const isDown = attempts.every(({ error }) => error.blames === 'domain') && this.#answeredAt < startedAt;
    if (isDown) this.#failedAt = this.#clock.now();
    if (attempts.at(-1)?.error.blames === 'rate') this.#rateLimitedAt = this.#clock.now();
  }
}
