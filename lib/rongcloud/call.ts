import { type Clock, type Sleep, withDeadline } from '../clock.ts';
import { JoinError, toJoinError, unsure } from '../errors.ts';
import type { Domains } from './domains.ts';
import type { Outage } from './outage.ts';
import { type FailedAttempt, leastCertainError } from './retry.ts';
import { judgeAnswer, type UpstreamAnswer } from './return-codes.ts';
import { type AppCredentials, type CredentialSource, nonceFrom, sign } from './signature.ts';
import { DeadConnection, type Transport } from './transport.ts';

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

/** Where a call writes down what happens. */
export interface CallLog {
  /** A sending has ended. */
  sent(sending: Sending): void;
  /** A sending waited this long for the app's credentials. */
  waitedForSecret(ms: number): void;
}

/** A sending with less time than this is not worth starting. */
const MIN_SENDING_MS = 1000;
/** How long a caller waits for an answer after a call that failed everywhere. */
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

/** One call: a form that is sent until it is clear what became of it, or until whoever makes the call gives up. */
export class Call {
  readonly #deps: CallDeps;
  readonly #path: string;
  readonly #form: string;
  readonly #options: CallOptions;
  readonly #startedAt: number;
  readonly #failed: FailedAttempt[] = [];
  #domainIndex: number;
  #sendings = 0;
  #joined = false;
  #isWary = false;
  /** What the last sending was signed with. */
  #app: AppCredentials | undefined;
  /** How the attempt under way has failed so far. */
  #failure: JoinError | undefined;
  #diedNow = false;
  #mayDie = true;
  #mayChangeSecret = true;

  constructor(deps: CallDeps, path: string, form: string, options: CallOptions) {
    this.#deps = deps;
    this.#path = path;
    this.#form = form;
    this.#options = options;
    this.#startedAt = deps.clock.steady();
    this.#domainIndex = deps.domains.current;
  }

  /** How often it was sent. */
  get sendings(): number {
    return this.#sendings;
  }

  /** Whether the last sending had little time because RongCloud has just failed on every domain. */
  get isWary(): boolean {
    return this.#isWary;
  }

  /** Whether the last sending met a kept-alive connection that was dead. Another one gets a new connection. */
  get metDeadConnection(): boolean {
    return this.#diedNow;
  }

  /** The attempts that failed. */
  get failed(): readonly FailedAttempt[] {
    return this.#failure ? [...this.#failed, { domainIndex: this.#domainIndex, error: this.#failure }] : this.#failed;
  }

  /** Sends the form once. Gives how this sending ended, whatever those before it may have done. Never throws. */
  async send(): Promise<CallEnd> {
    const end = await this.#sendOnce().catch(
      (thrown: unknown): CallEnd => ({ kind: 'failed', error: toJoinError(thrown) }),
    );
    if (end.kind !== 'not_started') this.#take(end.kind === 'failed' ? end.error : undefined);
    return end;
  }

  async #sendOnce(): Promise<CallEnd> {
    const { clock, transport, domains, outage, answerTimeoutMs, onSwitch } = this.#deps;
    const { requestId, deadline, log } = this.#options;
    const app = await this.#secret();
    if (app instanceof JoinError) return { kind: 'not_started', why: app };
    // An answer that came while Lambda froze the environment is read first: it may end the wariness.
    if (outage.isWary) await this.#deps.sleep(0);
    this.#isWary = outage.isWary;
    const startedAt = clock.steady();
    const leftMs = deadline - startedAt;
    if (leftMs < minSendingMs(this.#options)) return { kind: 'not_started', why: new JoinError('DEADLINE_EXCEEDED') };
    this.#app = app;
    this.#sendings += 1;
    const url = domains.url(this.#domainIndex, this.#path);
    const failover = domains.failover(this.#domainIndex);
    const answer = await transport.post({
      url,
      headers: this.#headers(app, requestId),
      body: this.#form,
      timeoutMs: Math.min(leftMs, this.#isWary ? Math.min(answerTimeoutMs, WARY_TIMEOUT_MS) : answerTimeoutMs),
      listenMs: answerTimeoutMs,
      onLateAnswer: (late) => outage.answered(judge(late)),
    });
    const error = judge(answer);
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
    if (this.#failure?.code !== 'UPSTREAM_CREDENTIALS' || !this.#app || !this.#mayChangeSecret) return false;
    this.#mayChangeSecret = false;
    const replacement = await this.#soon(credentials.replace(this.#app));
    return replacement !== undefined && !(replacement instanceof JoinError);
  }

  /** Begins another attempt, on this domain. */
  nextAttempt(domainIndex = this.#domainIndex): void {
    if (this.#failure) this.#failed.push({ domainIndex: this.#domainIndex, error: this.#failure });
    this.#failure = undefined;
    this.#mayDie = true;
    this.#domainIndex = domainIndex;
  }

  /** Ends the call: gives the failure whose outcome is least certain, or why no sending followed the first ones. */
  over(why?: JoinError): CallEnd {
    if (this.#joined) return { kind: 'joined' };
    const failed = this.failed;
    if (failed.length === 0) return { kind: 'not_started', why: why ?? new JoinError('DEADLINE_EXCEEDED') };
    this.#deps.outage.failed(failed, this.#startedAt);
    return { kind: 'failed', error: leastCertainError(failed) };
  }

  /** Takes down how a sending ended, together with those before it in the same attempt. */
  #take(error: JoinError | undefined): void {
    this.#joined = !error;
    const before = this.#failure;
    // A sending on a connection that died may have arrived.
    if (error?.outcome === 'rejected' && before?.outcome === 'unknown') this.#failure = unsure(error);
    else if (!before || error?.outcome !== 'not_sent') this.#failure = error;
  }

  async #secret(): Promise<AppCredentials | JoinError> {
    const { credentials, clock } = this.#deps;
    const askedAt = clock.steady();
    const held = credentials.get();
    // A value that is at hand needs no time limit: ending one makes an error, with its stack trace, for each call.
    const app = held instanceof Promise ? await this.#soon(held) : held;
    this.#options.log.waitedForSecret(clock.steady() - askedAt);
    return app;
  }

  #headers(app: AppCredentials, requestId: string): Record<string, string> {
    const { randomUUID, clock } = this.#deps;
    return {
      ...sign(app, nonceFrom(randomUUID()), clock.wall()),
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Request-ID': requestId,
    };
  }

  #soon<T>(work: Promise<T>): Promise<T | JoinError> {
    return beforeDeadline(work, this.#options, this.#deps);
  }
}

function judge(answer: UpstreamAnswer | JoinError): JoinError | undefined {
  return answer instanceof JoinError ? answer : judgeAnswer(answer);
}

/** The least time that a sending of a call wants. */
export function minSendingMs(call: Pick<CallOptions, 'minSendingMs'>): number {
  return call.minSendingMs ?? MIN_SENDING_MS;
}

/** The result of some work, or DEADLINE_EXCEEDED once no sending could follow any more. */
export function beforeDeadline<T>(
  work: Promise<T>,
  call: Pick<CallOptions, 'deadline' | 'minSendingMs'>,
  { clock, sleep }: Pick<CallDeps, 'clock' | 'sleep'>,
): Promise<T | JoinError> {
  const leftMs = call.deadline - minSendingMs(call) - clock.steady();
  return withDeadline(work, leftMs, sleep, () => new JoinError('DEADLINE_EXCEEDED'));
}
