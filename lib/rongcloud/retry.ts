import type { JoinError } from '../errors.ts';

/** RongCloud's internal error, sometimes a bad parameter: worth one more try and no second. */
const INTERNAL_ERROR = 1000;

/** One finished attempt of a call: on which of the domains, and how it failed. */
export interface FailedAttempt {
  /** Position in the list of domains: 0 is the primary. */
  domain: number;
  error: JoinError;
}

/** Where to try again, and after how long. */
export interface Retry {
  domain: number;
  delayMs: number;
}

/** Whether a failure says something of the domain, so that the other one is the better bet. */
export function blamesDomain({ code }: JoinError): boolean {
  switch (code) {
    case 'UPSTREAM_UNAVAILABLE':
    case 'UPSTREAM_TIMEOUT':
    case 'UPSTREAM_UNREACHABLE':
    case 'UPSTREAM_UNREADABLE':
      return true;
    default:
      return false;
  }
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
  if (last.error.code === 'UPSTREAM_RATE_LIMITED') return { domain: last.domain, delayMs: 1000 + random() * 1000 };
  if (!blamesDomain(last.error)) return undefined;
  if (attempts.filter(({ error }) => error.upstreamCode === INTERNAL_ERROR).length > 1) return undefined;
  const domain = (last.domain + 1) % domains;
  const returns = attempts.filter((attempt) => attempt.domain === domain).length;
  const windowMs = returns === 0 ? 100 : Math.min(1000, 100 * 2 ** returns);
  return { domain, delayMs: random() * windowMs };
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
