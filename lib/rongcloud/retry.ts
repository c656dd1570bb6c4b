import type { JoinError } from '../errors.ts';
import type { FailedAttempt } from './attempts.ts';
import { INTERNAL_ERROR } from './return-codes.ts';

/**
 * After a refusal for rate: a second, in which RongCloud counts, and a spread, so that what was refused together does
 * not come back together and is refused once more.
 */
const MIN_RATE_WAIT_MS = 1000;
const RATE_WAIT_SPREAD_MS = 3000;

/** Where to try again, and after how long. */
export interface Retry {
  domainIndex: number;
  delayMs: number;
}

/**
 * Decides where and when a first call of HTTP or Invoke is tried again after its last attempt, or that it is not.
 * `lib/queue/batch.ts` sends the queue's calls again, `lib/join/request-calls.ts` a request's narrowing ones. `random`
 * gives numbers from 0 up to 1. A domain's failure moves on to the other domain within 100 ms; back on a domain tried
 * before, the wait is up to 100 ms, doubled for each time before. A rate limit waits 1 to 4 s where it is. Other
 * failures are not tried again.
 */
export function planRetry(
  attempts: readonly FailedAttempt[],
  domains: number,
  random: () => number,
): Retry | undefined {
  const last = attempts.at(-1);
  if (!last) return undefined;
  if (last.error.blames === 'rate')
    return { domainIndex: last.domainIndex, delayMs: MIN_RATE_WAIT_MS + random() * RATE_WAIT_SPREAD_MS };
  if (last.error.blames !== 'domain') return undefined;
  // An internal error may be for what the call holds: worth one more try and no second.
  if (attempts.filter(({ error }) => error.upstreamCode === INTERNAL_ERROR).length > 1) return undefined;
  const domainIndex = (last.domainIndex + 1) % domains;
  const returns = attempts.filter((attempt) => attempt.domainIndex === domainIndex).length;
  const windowMs = 100 * 2 ** returns;
  return { domainIndex, delayMs: random() * windowMs };
}

/** In tenths of a retry, so that ten tenths are exactly one. */
const RETRY = 10;
const INITIAL = 2 * RETRY;
const MAX = 10 * RETRY;

/**
 * Retries that one environment may make: 2 at its start, one more for every ten calls that succeed at first try, and 10
 * at the most. An overload starts many environments, and each would bring its retries along: so a refusal for rate leaves
 * one over.
 */
export class RetryBudget {
  #left = INITIAL;

  take({ blames }: JoinError): boolean {
    if (this.#left < (blames === 'rate' ? 2 * RETRY : RETRY)) return false;
    this.#left -= RETRY;
    return true;
  }

  refill(): void {
    this.#left = Math.min(MAX, this.#left + 1);
  }
}
