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
/** How long a caller waits for an answer after a call that failed everywhere. */
const WARY_TIMEOUT_MS = 2000;
const MAX_ATTEMPTS = 3;

/** Where the client gets the app's credentials. Neither method throws. */
export interface CredentialSource {
  get(): AppCredentials | Promise<AppCredentials | JoinError>;
  /** Other credentials than those RongCloud refused, or undefined if there are none. */
  replace(refused: AppCredentials): Promise<AppCredentials | undefined>;
}

export interface ClientOptions extends Pick<AttemptDeps, 'transport' | 'clock' | 'randomUUID'> {
  sleep: Sleep;
  urls: ApiUrls;
  credentials: CredentialSource;
  /** From 0 up to 1. */
  random: () => number;
  /** Attempts at one call, besides the one after a change of the secret. */
  maxAttempts?: number;
  answerTimeoutMs?: number;
  observe?: (event: ClientEvent) => void;
}

/** What a client does besides its calls. */
export type ClientEvent = 'domainSwitch' | 'retryBudgetExhausted';

export interface RongCloudClient {
  /**
   * Makes one `/group/join.json` call with a form of `toForm`, on the other domain too if one fails. Gives undefined
   * when every user in it has joined; otherwise the failure of the attempt whose outcome is least certain. Never throws.
   */
  join(form: string, options: CallOptions): Promise<JoinError | undefined>;
  /** Waits until the app's credentials are at hand. Gives why they are not. Never throws. */
  ready(options: Pick<CallOptions, 'deadline'>): Promise<JoinError | undefined>;
  /** Whether RongCloud refused a call in the last 2 seconds because there are too many. */
  isRateLimited(): boolean;
}

/** A client of one app. Its methods share what it knows of RongCloud's domains, and its budget of retries. */
export function createClient(options: ClientOptions): RongCloudClient {
  const { credentials, clock, random, sleep, observe } = options;
  const { maxAttempts = MAX_ATTEMPTS, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  const domains = new Domains(options.urls);
  const budget = new RetryBudget();
  const outage = new Outage(clock);
  const attempt = createAttempt(domains, {
    ...options,
    answerTimeoutMs,
    credentialsFor,
    onSwitch: () => observe?.('domainSwitch'),
    onLateAnswer: (error) => outage.answered(error),
  });

  return {
    join: (form, call) => post('/group/join.json', form, call).catch(toJoinError),
    async ready(call) {
      const app = await credentialsFor(call);
      return app instanceof JoinError ? app : undefined;
    },
    isRateLimited: () => outage.isRateLimited,
  };

  async function post(path: string, form: string, call: CallOptions): Promise<JoinError | undefined> {
    // An answer that came while Lambda froze the environment is read first: it may end the wariness.
    if (outage.isWary) await sleep(0);
    const { isWary } = outage;
    const startedAt = clock.steady();
    const timeoutMs = isWary ? Math.min(answerTimeoutMs, WARY_TIMEOUT_MS) : answerTimeoutMs;
    const sending: Sending = { path, form, call, app: undefined, domainIndex: domains.current, timeoutMs, ordinal: 0 };
    const failed: FailedAttempt[] = [];
    let mayChangeSecret = true;
    for (;;) {
      const { domainIndex } = sending;
      const error = await attempt(sending);
      outage.answered(error);
      if (!error) {
        if (failed.length === 0) budget.refill();
        return undefined;
      }
      failed.push({ domainIndex, error });
      if (mayChangeSecret && (await isSecretChanged(failed, sending))) {
        mayChangeSecret = false;
        continue;
      }
      const retry = isWary || failed.length >= maxAttempts ? undefined : nextRetry(failed, call);
      if (!retry) {
        outage.failed(failed, startedAt);
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
    if (!retry || !last || call.deadline - clock.steady() - retry.delayMs < minAttemptMs(call)) return undefined;
    if (budget.take(last.error)) return retry;
    observe?.('retryBudgetExhausted');
    return undefined;
  }

  /** Whether the last attempt failed for want of good credentials, others are at hand and one more attempt is allowed. */
  async function isSecretChanged(failed: readonly FailedAttempt[], { app, call }: Sending): Promise<boolean> {
    if (failed.at(-1)?.error.code !== 'UPSTREAM_CREDENTIALS' || failed.length >= MAX_ATTEMPTS || !app) return false;
    const replacement = await soon(credentials.replace(app), call);
    return replacement !== undefined && !(replacement instanceof JoinError);
  }

  function credentialsFor(call: Pick<CallOptions, 'deadline' | 'minAttemptMs'>) {
    const found = credentials.get();
    // What is at hand needs no clock: to end the race would make an error, with its stack trace, for each call.
    return found instanceof Promise ? soon(found, call) : found;
  }

  /** What comes of some work, or DEADLINE_EXCEEDED once no sending could follow any more. */
  function soon<T>(work: Promise<T>, call: Pick<CallOptions, 'deadline' | 'minAttemptMs'>): Promise<T | JoinError> {
    const leftMs = call.deadline - minAttemptMs(call) - clock.steady();
    return withDeadline(work, leftMs, sleep, () => new JoinError('DEADLINE_EXCEEDED'));
  }
}
