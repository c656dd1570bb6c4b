import type { FailedAttempt } from './retry.ts';

/** So long after a call that failed everywhere, calls are made warily. */
const WARY_MS = 10_000;
/** So long after a refusal for rate, a call would most likely be refused again. */
const RATE_LIMITED_MS = 2000;

/** What the last calls say of RongCloud as a whole, so that the next ones do not wait for it in vain. */
export class Weather {
  readonly #now: () => number;
  #waryUntil = Number.NEGATIVE_INFINITY;
  #rateLimitedUntil = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether the last call failed on every domain it tried, not long ago. */
  get isWary(): boolean {
    return this.#now() < this.#waryUntil;
  }

  /** Whether RongCloud has just refused a call because there are too many. */
  get isRateLimited(): boolean {
    return this.#now() < this.#rateLimitedUntil;
  }

  succeeded(): void {
    this.#waryUntil = Number.NEGATIVE_INFINITY;
  }

  /** A call failed, after these attempts. */
  failed(attempts: readonly FailedAttempt[]): void {
    if (attempts.every(({ error }) => error.blames === 'domain')) this.#waryUntil = this.#now() + WARY_MS;
    if (attempts.at(-1)?.error.blames === 'rate') this.#rateLimitedUntil = this.#now() + RATE_LIMITED_MS;
  }
}
