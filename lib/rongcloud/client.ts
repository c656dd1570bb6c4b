import { JoinError, toJoinError } from '../errors.ts';
import { type AttemptDeps, type CallOptions, createAttempt, minAttemptMs, type Sending } from './attempt.ts';
import type { ApiUrls } from './data-centers.ts';
import { Domains } from './domains.ts';
import { Outage } from './outage.ts';
import { type FailedAttempt, leastCertainError, planRetry, type Retry, RetryBudget } from './retry.ts';
import type { AppCredentials } from './signature.ts';
import { type Sleep, withDeadline } from './with-deadline.ts';

export type { Attempt, CallOptions } from './attempt.ts';

/** RongCloud's own threshold for calling a domain dead (the vendor's page "API Domains"). */
const ANSWER_TIMEOUT_MS = 5000;
/** An answer is waited for so long after a call that failed everywhere. */
const WARY_TIMEOUT_MS = 2000;
const MAX_ATTEMPTS = 3;

/** Where the client gets the app's credentials. Neither method throws. */
export interface CredentialSource {
  get(): AppCredentials | Promise<AppCredentials | JoinError>;
  /** Other credentials than those RongCloud refused, or undefined if there are none. */
  replace(refused: AppCredentials): Promise<AppCredentials | undefined>;
}

export interface ClientOptions extends Omit<AttemptDeps, 'onSwitch'> {
  urls: ApiUrls;
  credentials: CredentialSource;
  /** From 0 up to 1. */
  random: () => number;
  sleep: Sleep;
  /** Attempts at one call, besides the one after a change of the secret. */
  maxAttempts?: number;
  answerTimeoutMs?: number;
  observe?: (event: ClientEvent) => void;
}

/** What a client does besides its calls. */
export type ClientEvent = 'domainSwitch' | 'retryBudgetExhausted';

export interface RongCloudClient {
  /**
   * Makes one `/group/join.json` call with a form of `toCalls`, on the other domain too if one fails. Gives undefined
   * when every user in it has joined; otherwise the failure of the attempt whose outcome is least certain. Never throws.
   */
  join(form: string, options: CallOptions): Promise<JoinError | undefined>;
  /** Whether RongCloud refused a call in the last 2 seconds because there are too many. */
  isRateLimited(): boolean;
}

/** A client of one app. Its methods share what it knows of RongCloud's domains, and its budget of retries. */
export function createClient(options: ClientOptions): RongCloudClient {
  const { credentials, now, random, sleep, observe } = options;
  const { maxAttempts = MAX_ATTEMPTS, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  const domains = new Domains(options.urls);
  const budget = new RetryBudget();
  const outage = new Outage(now);
  const attempt = createAttempt(domains, { ...options, onSwitch: () => observe?.('domainSwitch') });

  return {
    join: (form, call) => post('/group/join.json', form, call).catch(toJoinError),
    isRateLimited: () => outage.isRateLimited,
  };

  async function post(path: string, form: string, call: CallOptions): Promise<JoinError | undefined> {
    const askedAt = now();
    const found = credentials.get();
    // What is at hand needs no clock: to end the race would make an error, with its stack trace, for each call.
    const app = found instanceof Promise ? await soon(found, call) : found;
    call.onSecret?.(now() - askedAt);
    if (app instanceof JoinError) return app;
    const { isWary } = outage;
    const timeoutMs = isWary ? Math.min(answerTimeoutMs, WARY_TIMEOUT_MS) : answerTimeoutMs;
    const sending: Sending = { path, form, call, app, domainIndex: domains.current, timeoutMs, ordinal: 0 };
    const failed: FailedAttempt[] = [];
    for (;;) {
      const { domainIndex } = sending;
      const error = await attempt(sending);
      if (!error) {
        outage.succeeded();
        if (failed.length === 0) budget.refill();
        return undefined;
      }
      failed.push({ domainIndex, error });
      const replacement = app === sending.app ? await otherCredentials(failed, app, call) : undefined;
      if (replacement) {
        sending.app = replacement;
        continue;
      }
      const retry = isWary || failed.length >= maxAttempts ? undefined : nextRetry(failed, call);
      if (!retry) {
        outage.failed(failed);
        return leastCertainError(failed);
      }
      await sleep(retry.delayMs);
      sending.domainIndex = retry.domainIndex;
    }
  }

  /** Where and when to try again, if there is time for it and the budget allows. */
  function nextRetry(failed: readonly FailedAttempt[], call: CallOptions): Retry | undefined {
    const retry = planRetry(failed, domains.count, random);
    const last = failed.at(-1);
    if (!retry || !last || call.deadline - now() - retry.delayMs < minAttemptMs(call)) return undefined;
    if (budget.take(last.error)) return retry;
    observe?.('retryBudgetExhausted');
    return undefined;
  }

  /** Other credentials, if the last attempt failed for want of good ones and one more attempt is allowed. */
  async function otherCredentials(
    failed: readonly FailedAttempt[],
    refused: AppCredentials,
    call: CallOptions,
  ): Promise<AppCredentials | undefined> {
    if (failed.at(-1)?.error.code !== 'UPSTREAM_CREDENTIALS' || failed.length >= MAX_ATTEMPTS) return undefined;
    const replacement = await soon(credentials.replace(refused), call);
    return replacement instanceof JoinError ? undefined : replacement;
  }

  /** What comes of some work, or DEADLINE_EXCEEDED once no sending could follow any more. */
  function soon<T>(work: Promise<T>, call: CallOptions): Promise<T | JoinError> {
    return withDeadline(work, call.deadline - minAttemptMs(call) - now(), sleep);
  }
}
