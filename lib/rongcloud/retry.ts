import { type JoinError, leastCertain } from '../errors.ts';
import { INTERNAL_ERROR } from './return-codes.ts';

/** One finished attempt of a call: on which of the domains, and how it failed. */
export interface FailedAttempt {
  /** Position in the list of domains: 0 is the primary. */
  domainIndex: number;
  error: JoinError;
}

/** Where to try again, and after how long. */
export interface Retry {
  domainIndex: number;
  delayMs: number;
}

/**
 * Decides where and when a call is tried again after its last attempt, or that it is not. `random` gives numbers
 * from 0 up to 1. A domain's failure moves on to the other domain within 100 ms; back on a domain tried before, the
 * wait is up to 100 ms, doubled for each time before and at most 1 s. A rate limit waits 1 to 2 s where it is. What is
 * not listed is not tried again.
 */
export function planRetry(
  attempts: readonly FailedAttempt[],
  domains: number,
  random: () => number,
): Retry | undefined {
  const last = attempts.at(-1);
  if (!last) return undefined;
  if (last.error.blames === 'rate') return { domainIndex: last.domainIndex, delayMs: 1000 + random() * 1000 };
  if (last.error.blames !== 'domain') return undefined;
  // An internal error may be for what the call holds: worth one more try and no second.
  if (attempts.filter(({ error }) => error.upstreamCode === INTERNAL_ERROR).length > 1) return undefined;
  const domainIndex = (last.domainIndex + 1) % domains;
  const returns = attempts.filter((attempt) => attempt.domainIndex === domainIndex).length;
  const windowMs = returns === 0 ? 100 : Math.min(1000, 100 * 2 ** returns);
  return { domainIndex, delayMs: random() * windowMs };
}

/** Of some failures, at least one, that which says least of whether the users joined; the last of several. */
export function leastCertainError(failed: readonly FailedAttempt[]): JoinError {
  return failed
    .map(({ error }) => error)
    .reduce((worst, next) => (leastCertain([worst.outcome, next.outcome]) === next.outcome ? next : worst));
}

/** Retries that one environment may make: 10 at once, and one more for every ten calls that succeed at first try. */
export class RetryBudget {
  /** In tenths of a retry, so that ten tenths are exactly one. */
  #tenths = 100;

  take(): boolean {
    if (this.#tenths < 10) return false;
    this.#tenths -= 10;
    return true;
  }

  refill(): void {
    this.#tenths = Math.min(100, this.#tenths + 1);
  }
}
