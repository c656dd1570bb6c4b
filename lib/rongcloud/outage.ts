import type { FailedAttempt } from './retry.ts';

/** So long after a call that failed everywhere, calls are made warily. */
const WARY_MS = 10_000;
/** So long after a refusal for rate, a call would most likely be refused again. */
const RATE_LIMITED_MS = 2000;

/** What the last calls say of RongCloud as a whole, so that the next ones do not wait for it in vain. */
export class Outage {
  readonly #now: () => number;
  #failedAt = Number.NEGATIVE_INFINITY;
  #rateLimitedAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether the last call failed on every domain it tried, not long ago. */
  get isWary(): boolean {
    return this.#isWithin(WARY_MS, this.#failedAt);
  }

  /** Whether RongCloud has just refused a call because there are too many. */
  get isRateLimited(): boolean {
    return this.#isWithin(RATE_LIMITED_MS, this.#rateLimitedAt);
  }

  succeeded(): void {
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }

  /** A call failed, after these attempts. */
  failed(attempts: readonly FailedAttempt[]): void {
    if (attempts.every(({ error }) => error.blames === 'domain')) this.#failedAt = this.#now();
    if (attempts.at(-1)?.error.blames === 'rate') this.#rateLimitedAt = this.#now();
  }

  /** Not so if the moment is yet to come: then a clock that was ahead has been set right. */
  #isWithin(ms: number, moment: number): boolean {
    const elapsed = this.#now() - moment;
    return elapsed >= 0 && elapsed < ms;
  }
}
