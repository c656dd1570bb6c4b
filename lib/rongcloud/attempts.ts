import { type JoinError, leastCertain, outcomeUnknown } from '../errors.ts';

/** One request on the wire, and how it ended. */
export interface Sending {
  /** 1 for the first of a call. */
  ordinal: number;
  /** The host that was called, with its port if that is not the usual one. */
  host: string;
  durationMs: number;
  /** Undefined if everyone in it joined. */
  error: JoinError | undefined;
}

/** One finished attempt of a call: on which of the domains, and how it failed. */
export interface FailedAttempt {
  /** Position in the list of domains: 0 is the primary. */
  domainIndex: number;
  error: JoinError;
}

/** The attempts of one call, one after another: each is on one domain, and may have several sendings. */
export class Attempts {
  readonly #over: FailedAttempt[] = [];
  #domainIndex: number;
  /** How the attempt under way has failed so far. */
  #failure: JoinError | undefined;

  constructor(domainIndex: number) {
    this.#domainIndex = domainIndex;
  }

  /** The domain of the attempt under way. */
  get domainIndex(): number {
    return this.#domainIndex;
  }

  get failure(): JoinError | undefined {
    return this.#failure;
  }

  /** Those that failed, the one under way included. */
  get failed(): readonly FailedAttempt[] {
    return this.#failure ? [...this.#over, { domainIndex: this.#domainIndex, error: this.#failure }] : this.#over;
  }

  /** Takes down how a sending ended, together with those before it in the same attempt. */
  sent(error: JoinError | undefined): void {
    const before = this.#failure;
    // A sending on a connection that died may have arrived.
    if (error?.outcome === 'rejected' && before?.outcome === 'unknown') this.#failure = outcomeUnknown(error);
    else if (!before || error?.outcome !== 'not_sent') this.#failure = error;
  }

  /** Begins another attempt, on this domain. */
  next(domainIndex = this.#domainIndex): void {
    if (this.#failure) this.#over.push({ domainIndex: this.#domainIndex, error: this.#failure });
    this.#failure = undefined;
    this.#domainIndex = domainIndex;
  }
}

/** Of some failures, at least one, that which says least of whether the users joined; the last of several. */
export function leastCertainError(failed: readonly FailedAttempt[]): JoinError {
  return failed
    .map(({ error }) => error)
    .reduce((worst, next) => (leastCertain([worst.outcome, next.outcome]) === next.outcome ? next : worst));
}
