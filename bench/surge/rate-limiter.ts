/** What RongCloud's rate limit may count. The vendor does not say whether refused calls are among it. */
export const LIMITERS = ['calls it takes', 'all calls'] as const;

/** `nothing` is no limit at all. */
export type Limiter = (typeof LIMITERS)[number] | 'nothing';

/** A limit over the last second, which slides. One that counts all calls stays shut while too many keep coming. */
export class RateLimiter {
  readonly #limiter: Limiter;
  readonly #limit: number;
  #counted: number[] = [];

  constructor(limiter: Limiter, callsPerSecond: number) {
    this.#limiter = limiter;
    this.#limit = callsPerSecond;
  }

  /** Whether the call that arrives now may go on. */
  take(nowMs: number): boolean {
    if (this.#limiter === 'nothing') return true;
    this.#counted = this.#counted.filter((at) => nowMs - at < 1000);
    const taken = this.#counted.length < this.#limit;
    if (taken || this.#limiter === 'all calls') this.#counted.push(nowMs);
    return taken;
  }
}
