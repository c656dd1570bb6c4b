import { JoinError, leastCertain, toJoinError } from '../errors.ts';
import { type ApiUrls, Domains } from './data-centers.ts';
import { blamesDomain, type FailedAttempt, planRetry, RetryBudget } from './retry.ts';
import { judgeAnswer } from './return-codes.ts';
import { type AppCredentials, nonceFrom, sign } from './signature.ts';
import type { Transport } from './transport.ts';

const JOIN_PATH = '/group/join.json';
/** RongCloud's own threshold for calling a domain dead. */
const ANSWER_TIMEOUT_MS = 5000;
/** An attempt with less time than this is not worth starting. */
const MIN_ATTEMPT_MS = 1000;
const MAX_ATTEMPTS = 3;

/** Where the client gets the app's credentials. */
export interface CredentialSource {
  get(): Promise<AppCredentials>;
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
  sleep: (ms: number) => Promise<unknown>;
  /** Attempts at one call, besides the one after a change of the secret. */
  maxAttempts?: number;
  answerTimeoutMs?: number;
  observe?: (event: ClientEvent) => void;
}

/** What a client does besides its calls. */
export type ClientEvent = 'domainSwitch' | 'retryBudgetExhausted';

/** What happened on one attempt. */
export interface Attempt {
  /** 1 for the first of a call. */
  ordinal: number;
  /** The host that was called. */
  domain: string;
  durationMs: number;
  /** Undefined if it succeeded. */
  error: JoinError | undefined;
}

export interface CallOptions {
  /** Sent as `X-Request-ID`, at most 36 characters. */
  requestId: string;
  /** When this call must be over, in milliseconds since 1970. */
  deadline: number;
  onAttempt?: (attempt: Attempt) => void;
  /** Told how long the call waited for the app's credentials. */
  onSecret?: (durationMs: number) => void;
}

export interface RongCloudClient {
  /** Fetches what a call needs, so that the call itself goes out at once. Never throws: the call will say what is wrong. */
  prepare(): Promise<void>;
  /**
   * Makes one `/group/join.json` call with a form of `toCalls`, on the other domain too if one fails. Resolves when
   * every user in it has joined; otherwise throws the JoinError of the attempt whose outcome is least certain.
   */
  join(form: string, options: CallOptions): Promise<void>;
}

interface AttemptToMake {
  domain: number;
  ordinal: number;
  form: string;
  app: AppCredentials;
  call: CallOptions;
}

export function createClient(options: ClientOptions): RongCloudClient {
  const { credentials, now, random, sleep, maxAttempts = MAX_ATTEMPTS } = options;
  const domains = new Domains(options.urls, JOIN_PATH);
  const budget = new RetryBudget();

  async function attempt({ domain, ordinal, form, app, call }: AttemptToMake): Promise<void> {
    const leftMs = call.deadline - now();
    if (leftMs < MIN_ATTEMPT_MS) throw new JoinError('DEADLINE_EXCEEDED');
    const url = domains.url(domain);
    const move = domains.mover(domain);
    const startedAt = now();
    let error: JoinError | undefined;
    try {
      const answer = await options.transport.post({
        url,
        headers: () => ({
          ...sign(app, nonceFrom(options.randomBytes(9)), now()),
          'Content-Type': 'application/x-www-form-urlencoded',
          'X-Request-ID': call.requestId,
        }),
        body: form,
        timeoutMs: Math.min(options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS, leftMs),
      });
      error = judgeAnswer(answer) ?? undefined;
    } catch (thrown) {
      error = toJoinError(thrown);
    }
    call.onAttempt?.({ ordinal, domain: url.hostname, durationMs: now() - startedAt, error });
    if (!error) return;
    if (blamesDomain(error) && move()) options.observe?.('domainSwitch');
    throw error;
  }

  return {
    async prepare() {
      await credentials.get().catch(() => undefined);
    },
    async join(form, call) {
      const failed: FailedAttempt[] = [];
      const askedAt = now();
      let app = await inTime(credentials.get(), call);
      call.onSecret?.(now() - askedAt);
      let domain = domains.current;
      let secretReplaced = false;
      for (;;) {
        try {
          await attempt({ domain, ordinal: failed.length + 1, form, app, call });
          if (failed.length === 0) budget.refill();
          return;
        } catch (thrown) {
          failed.push({ domain, error: toJoinError(thrown) });
        }
        const replacement = secretReplaced ? undefined : await otherCredentials(failed, app, call);
        if (replacement) {
          secretReplaced = true;
          app = replacement;
          continue;
        }
        const retry = failed.length < maxAttempts ? planRetry(failed, domains.count, random) : undefined;
        const worthwhile = retry && call.deadline - now() - retry.delayMs >= MIN_ATTEMPT_MS;
        if (!retry || !worthwhile) throw leastCertainError(failed);
        if (!budget.take()) {
          options.observe?.('retryBudgetExhausted');
          throw leastCertainError(failed);
        }
        await sleep(retry.delayMs);
        domain = retry.domain;
      }
    },
  };

  /** Other credentials, if the last attempt failed for want of good ones and one more attempt is allowed. */
  async function otherCredentials(
    failed: readonly FailedAttempt[],
    refused: AppCredentials,
    call: CallOptions,
  ): Promise<AppCredentials | undefined> {
    if (failed.at(-1)?.error.code !== 'UPSTREAM_CREDENTIALS' || failed.length >= MAX_ATTEMPTS) return undefined;
    return inTime(credentials.replace(refused), { deadline: call.deadline }).catch(() => undefined);
  }

  /** What comes of a promise, or DEADLINE_EXCEEDED once no attempt could follow any more. */
  async function inTime<T>(promise: Promise<T>, { deadline }: Pick<CallOptions, 'deadline'>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new JoinError('DEADLINE_EXCEEDED')),
        Math.max(0, deadline - MIN_ATTEMPT_MS - now()),
      );
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }
}

/** The failure that says least of whether the users joined; the last of several. */
function leastCertainError(failed: readonly FailedAttempt[]): JoinError {
  const worst = leastCertain(failed.map(({ error }) => error.outcome));
  return failed.findLast(({ error }) => error.outcome === worst)?.error ?? new JoinError('INTERNAL');
}
