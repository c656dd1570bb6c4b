import { JoinError, toJoinError } from '../errors.ts';
import type { ApiUrls } from './data-centers.ts';
import { Domains } from './domains.ts';
import { type FailedAttempt, leastCertainError, planRetry, RetryBudget } from './retry.ts';
import { judgeAnswer } from './return-codes.ts';
import { type AppCredentials, nonceFrom, sign } from './signature.ts';
import { DeadConnection, type Transport } from './transport.ts';
import { type Sleep, withDeadline } from './with-deadline.ts';

/** RongCloud's own threshold for calling a domain dead (the vendor's page "API Domains"). */
const ANSWER_TIMEOUT_MS = 5000;
/** A sending with less time than this is not worth starting. */
const MIN_ATTEMPT_MS = 1000;
const MAX_ATTEMPTS = 3;

/** Where the client gets the app's credentials. Neither method throws. */
export interface CredentialSource {
  get(): Promise<AppCredentials | JoinError>;
  /** Other credentials than those RongCloud refused, or undefined if there are none. */
  replace(refused: AppCredentials): Promise<AppCredentials | undefined>;
}

export interface ClientOptions {
  urls: ApiUrls;
  transport: Transport;
  credentials: CredentialSource;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 up to 1. */
  random: () => number;
  randomBytes: (size: number) => Uint8Array;
  sleep: Sleep;
  /** Attempts at one call, besides the one after a change of the secret. */
  maxAttempts?: number;
  answerTimeoutMs?: number;
  observe?: (event: ClientEvent) => void;
}

/** What a client does besides its calls. */
export type ClientEvent = 'domainSwitch' | 'retryBudgetExhausted';

/** What happened on one sending. */
export interface Attempt {
  /** 1 for the first of a call. */
  ordinal: number;
  /** The host that was called. */
  host: string;
  durationMs: number;
  /** Undefined if it succeeded. */
  error: JoinError | undefined;
}

export interface CallOptions {
  /** Sent as `X-Request-ID`, at most 36 characters ("API Request Signature"). */
  requestId: string;
  /** When this call must be over, in milliseconds since 1970. */
  deadline: number;
  /** Asked before each sending, with the credentials at hand: waits until it may start, or says why it may not. */
  beforeSending?: () => Promise<JoinError | undefined>;
  onAttempt?: (attempt: Attempt) => void;
  /** Told how long the call waited for the app's credentials. */
  onSecret?: (durationMs: number) => void;
}

export interface RongCloudClient {
  /**
   * Makes one `/group/join.json` call with a form of `toCalls`, on the other domain too if one fails. Gives undefined
   * when every user in it has joined; otherwise the failure of the attempt whose outcome is least certain. Never throws.
   */
  join(form: string, options: CallOptions): Promise<JoinError | undefined>;
}

/** A client of one app. Its methods share what it knows of the domains, and its budget of retries. */
export function createClient(options: ClientOptions): RongCloudClient {
  const { credentials, now, random, sleep, observe, maxAttempts = MAX_ATTEMPTS } = options;
  const domains = new Domains(options.urls);
  const budget = new RetryBudget();

  return { join: (form, call) => post('/group/join.json', form, call).catch(toJoinError) };

  async function post(path: string, form: string, call: CallOptions): Promise<JoinError | undefined> {
    const askedAt = now();
    const app = await soon(credentials.get(), call);
    call.onSecret?.(now() - askedAt);
    if (app instanceof JoinError) return app;
    const sending: Sending = { path, form, call, app, domainIndex: domains.current, ordinal: 0 };
    const failed: FailedAttempt[] = [];
    for (;;) {
      const { domainIndex } = sending;
      const error = await attempt(sending);
      if (!error) {
        if (failed.length === 0) budget.refill();
        return undefined;
      }
      failed.push({ domainIndex, error });
      const replacement = app === sending.app ? await otherCredentials(failed, app, call) : undefined;
      if (replacement) {
        sending.app = replacement;
        continue;
      }
      const retry = failed.length < maxAttempts ? planRetry(failed, domains.count, random) : undefined;
      const worthwhile = retry && call.deadline - now() - retry.delayMs >= MIN_ATTEMPT_MS;
      if (!retry || !worthwhile) return leastCertainError(failed);
      if (!budget.take()) {
        observe?.('retryBudgetExhausted');
        return leastCertainError(failed);
      }
      await sleep(retry.delayMs);
      sending.domainIndex = retry.domainIndex;
    }
  }

  /** One sending, and another on a new connection if a kept-alive one turns out dead. */
  async function attempt(sending: Sending): Promise<JoinError | undefined> {
    const failover = domains.failover(sending.domainIndex);
    let error = await send(sending);
    if (error instanceof DeadConnection) {
      const again = await send(sending);
      // What went out on the dead connection may have arrived.
      if (again?.outcome !== 'not_sent') error = again;
    }
    if (error?.blames === 'domain' && failover()) observe?.('domainSwitch');
    return error;
  }

  async function send(sending: Sending): Promise<JoinError | undefined> {
    const { call, app, domainIndex } = sending;
    const refused = await call.beforeSending?.();
    if (refused) return refused;
    const startedAt = now();
    const leftMs = call.deadline - startedAt;
    if (leftMs < MIN_ATTEMPT_MS) return new JoinError('DEADLINE_EXCEEDED');
    const url = domains.url(domainIndex, sending.path);
    sending.ordinal += 1;
    const answer = await options.transport.post({
      url,
      headers: {
        ...sign(app, nonceFrom(options.randomBytes(9)), startedAt),
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Request-ID': call.requestId,
      },
      body: sending.form,
      timeoutMs: Math.min(options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS, leftMs),
    });
    const error = answer instanceof JoinError ? answer : judgeAnswer(answer);
    call.onAttempt?.({ ordinal: sending.ordinal, host: url.hostname, durationMs: now() - startedAt, error });
    return error;
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
  function soon<T>(work: Promise<T>, { deadline }: CallOptions): Promise<T | JoinError> {
    return withDeadline(work, deadline - MIN_ATTEMPT_MS - now(), sleep);
  }
}

/** What is sent next for a call: where to, with which credentials, and how many sendings there were. */
interface Sending {
  path: string;
  form: string;
  call: CallOptions;
  app: AppCredentials;
  domainIndex: number;
  ordinal: number;
}
