import { type Clock, type Sleep, withDeadline } from '../clock.ts';
import { JoinError, toJoinError } from '../errors.ts';
import { Attempts, type FailedAttempt, leastCertainError, type Sending } from './attempts.ts';
import type { Domains } from './domains.ts';
import type { Outage } from './outage.ts';
import { judgeAnswer } from './return-codes.ts';
import { type AppCredentials, type CredentialSource, nonceFrom, sign } from './signature.ts';
import { DeadConnection, type Transport } from './transport.ts';

/** Where a call writes down what happens. */
export interface CallLog {
  /** A sending has ended. */
  sent(sending: Sending): void;
  /** A sending waited this long for the app's credentials. */
  waitedForSecret(ms: number): void;
}

/** A sending with less time than this is not worth starting. */
const MIN_SENDING_MS = 1000;
/** How long a caller waits for an answer after a call that failed on every domain that it tried. */
const WARY_TIMEOUT_MS = 2000;

/** How a call ended: all of its users joined, or why not, or why nothing was sent. */
export type CallEnd =
  | { kind: 'joined' }
  | { kind: 'failed'; error: JoinError }
  | { kind: 'not_started'; why: JoinError };

export interface CallOptions {
  /** Sent as `X-Request-ID`, at most 36 characters ("API Request Signature"). */
  requestId: string;
  /** When this call must be over, by the steady clock. */
  deadline: number;
  /** A sending with less time than this is not started; 1 second by default. */
  minSendingMs?: number;
  log: CallLog;
}

export type CallLimits = Pick<CallOptions, 'deadline' | 'minSendingMs'>;

/** What all calls of a client share. */
export interface CallDeps {
  transport: Transport;
  clock: Clock;
  sleep: Sleep;
  randomUUID: () => string;
  credentials: CredentialSource;
  domains: Domains;
  outage: Outage;
  /** How long an answer is listened for, from the start to the last byte. */
  answerTimeoutMs: number;
  /** Told when calls begin with another domain from now on. */
  onSwitch: () => void;
}

/**
 * One call. `send` sends its form once and gives how that sending ended; whoever makes the call decides whether another
 * one follows. `over` sends nothing: it gives how the call ended, counting all its sendings.
 */
export class Call {
  readonly #deps: CallDeps;
  readonly #path: string;
  readonly #form: string;
  readonly #options: CallOptions;
  readonly #startedAt: number;
  readonly #attempts: Attempts;
  #sendings = 0;
  #joined = false;
  #isWary = false;
  /** What the last sending was signed with. */
  #app: AppCredentials | undefined;
  #diedNow = false;
  #mayDie = true;
  #mayChangeSecret = true;

  constructor(deps: CallDeps, path: string, form: string, options: CallOptions) {
    this.#deps = deps;
    this.#path = path;
    this.#form = form;
    this.#options = options;
    this.#startedAt = deps.clock.steady();
    this.#attempts = new Attempts(deps.domains.current);
  }

  /** How often it was sent. */
  get sendings(): number {
    return this.#sendings;
  }

  /** Whether the last sending had little time because a call has just failed on every domain that it tried. */
  get isWary(): boolean {
    return this.#isWary;
  }

  /** Whether the last sending met a kept-alive connection that was dead. Another one gets a new connection. */
  get metDeadConnection(): boolean {
    return this.#diedNow;
  }

  /** The attempts that failed. */
  get failed(): readonly FailedAttempt[] {
    return this.#attempts.failed;
  }

  /** Sends the form once. Gives how this sending ended, whatever those before it may have done. Never throws. */
  async send(): Promise<CallEnd> {
    const end = await this.#sendOnce().catch(
      (thrown: unknown): CallEnd => ({ kind: 'failed', error: toJoinError(thrown) }),
    );
    if (end.kind === 'not_started') return end;
    this.#joined = end.kind === 'joined';
    this.#attempts.sent(end.kind === 'failed' ? end.error : undefined);
    return end;
  }

  async #sendOnce(): Promise<CallEnd> {
    const { clock, randomUUID, transport, domains, outage, answerTimeoutMs, onSwitch } = this.#deps;
    const { requestId, deadline, log } = this.#options;
    const askedAt = clock.steady();
    const app = await credentialsInTime(this.#options, this.#deps);
    log.waitedForSecret(clock.steady() - askedAt);
    if (app instanceof JoinError) return { kind: 'not_started', why: app };
    // An answer that came while Lambda froze the environment is read first: it may end the wariness.
    if (outage.isWary) await this.#deps.sleep(0);
    this.#isWary = outage.isWary;
    const startedAt = clock.steady();
    if (startedAt > lastStartOf(this.#options)) return { kind: 'not_started', why: new JoinError('DEADLINE_EXCEEDED') };
    this.#app = app;
    this.#sendings += 1;
    const { domainIndex } = this.#attempts;
    const url = domains.url(domainIndex, this.#path);
    const failover = domains.failover(domainIndex);
    const waitMs = this.#isWary ? Math.min(answerTimeoutMs, WARY_TIMEOUT_MS) : answerTimeoutMs;
    const answer = await transport.post({
      url,
      headers: {
        ...sign(app, nonceFrom(randomUUID()), clock.wall()),
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Request-ID': requestId,
      },
      body: this.#form,
      timeoutMs: Math.min(deadline - startedAt, waitMs),
      listenMs: answerTimeoutMs,
      onLateAnswer: (late) => outage.answered(judgeAnswer(late)),
    });
    const error = judgeAnswer(answer);
    log.sent({ ordinal: this.#sendings, host: url.host, durationMs: clock.steady() - startedAt, error });
    outage.answered(error);
    this.#diedNow = error instanceof DeadConnection && this.#mayDie;
    if (this.#diedNow) this.#mayDie = false;
    else if (error?.blames === 'domain' && failover()) onSwitch();
    return error ? { kind: 'failed', error } : { kind: 'joined' };
  }

  /** Whether the last sending was refused for the app's secret and there is another one by now. */
  async hasNewSecret(): Promise<boolean> {
    const { credentials } = this.#deps;
    if (this.#attempts.failure?.code !== 'UPSTREAM_CREDENTIALS' || !this.#app || !this.#mayChangeSecret) return false;
    this.#mayChangeSecret = false;
    const replacement = await beforeLastStart(credentials.replace(this.#app), this.#options, this.#deps);
    return replacement !== undefined && !(replacement instanceof JoinError);
  }

  /** Begins another attempt, on this domain. */
  nextAttempt(domainIndex?: number): void {
    this.#attempts.next(domainIndex);
    this.#mayDie = true;
  }

  /**
   * Ends the call. It has joined its users if the last sending did; otherwise it gives the failure whose outcome is
   * least certain, or, where nothing was sent, why not.
   */
  over(why?: JoinError): CallEnd {
    if (this.#joined) return { kind: 'joined' };
    const failed = this.failed;
    if (failed.length === 0) return { kind: 'not_started', why: why ?? new JoinError('DEADLINE_EXCEEDED') };
    this.#deps.outage.failed(failed, this.#startedAt);
    return { kind: 'failed', error: leastCertainError(failed) };
  }
}

/** When the last sending of a call may start, by the steady clock. */
export function lastStartOf({ deadline, minSendingMs = MIN_SENDING_MS }: CallLimits): number {
  return deadline - minSendingMs;
}

/** The app's credentials, or why there are none before the last sending would have to start. */
export async function credentialsInTime(limits: CallLimits, deps: CallDeps): Promise<AppCredentials | JoinError> {
  const held = deps.credentials.get();
  // A value that is at hand needs no time limit: ending one makes an error, with its stack trace, for each call.
  return held instanceof Promise ? beforeLastStart(held, limits, deps) : held;
}

function beforeLastStart<T>(work: Promise<T>, limits: CallLimits, deps: CallDeps): Promise<T | JoinError> {
  const leftMs = lastStartOf(limits) - deps.clock.steady();
  return withDeadline(work, leftMs, deps.sleep, () => new JoinError('DEADLINE_EXCEEDED'));
}
