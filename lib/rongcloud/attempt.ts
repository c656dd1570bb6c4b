import type { Clock } from '../clock.ts';
import { JoinError, unsure } from '../errors.ts';
import type { Domains } from './domains.ts';
import { judgeAnswer, type UpstreamAnswer } from './return-codes.ts';
import { type AppCredentials, nonceFrom, sign } from './signature.ts';
import { DeadConnection, type Transport } from './transport.ts';

/** A sending with less time than this is not worth starting. */
const MIN_ATTEMPT_MS = 1000;

/** What happened on one sending. */
export interface Attempt {
  /** 1 for the first of a call. */
  ordinal: number;
  /** The host that was called, with its port if that is not the usual one. */
  host: string;
  durationMs: number;
  /** Undefined if it succeeded. */
  error: JoinError | undefined;
}

export interface CallOptions {
  /** Sent as `X-Request-ID`, at most 36 characters ("API Request Signature"). */
  requestId: string;
  /** When this call must be over, by the steady clock. */
  deadline: number;
  /** A sending with less time than this is not started; 1 second by default. */
  minAttemptMs?: number;
  /** Asked before each sending: waits until it may start, or says why it may not. */
  beforeSending?: () => Promise<JoinError | undefined>;
  onAttempt?: (attempt: Attempt) => void;
  /** Told how long each sending waited for the app's credentials. */
  onSecret?: (durationMs: number) => void;
}

/** Where a call is sent next, and how many sendings there were. */
export interface Sending {
  path: string;
  form: string;
  call: CallOptions;
  /** What the last sending was signed with. */
  app: AppCredentials | undefined;
  domainIndex: number;
  /** How long the caller waits for the answer, from the start to the last byte. */
  timeoutMs: number;
  ordinal: number;
}

export interface AttemptDeps {
  transport: Transport;
  clock: Clock;
  randomUUID: () => string;
  /** The app's credentials, at hand or awaited until the call's deadline. */
  credentialsFor: (call: CallOptions) => AppCredentials | JoinError | Promise<AppCredentials | JoinError>;
  /** An answer is listened for this long, even if the caller waits for less. */
  answerTimeoutMs: number;
  /** Told when calls begin with another domain from now on. */
  onSwitch: () => void;
  /** Told of an answer that came too late for its caller. */
  onLateAnswer: (error: JoinError | undefined) => void;
}

/** Makes one attempt: one sending, and another on a new connection if a kept-alive one turns out dead. */
export function createAttempt(domains: Domains, deps: AttemptDeps) {
  const { transport, clock, randomUUID, credentialsFor, answerTimeoutMs, onSwitch, onLateAnswer } = deps;

  return async (sending: Sending): Promise<JoinError | undefined> => {
    const failover = domains.failover(sending.domainIndex);
    let error = await send(sending);
    if (error instanceof DeadConnection) {
      const again = await send(sending);
      // What went out on the dead connection may have arrived.
      if (!again) error = undefined;
      else if (again.outcome !== 'not_sent') error = again.outcome === 'rejected' ? unsure(again) : again;
    }
    if (error?.blames === 'domain' && failover()) onSwitch();
    return error;
  };

  async function send(sending: Sending): Promise<JoinError | undefined> {
    const { call } = sending;
    const refused = await call.beforeSending?.();
    if (refused) return refused;
    const askedAt = clock.steady();
    const found = credentialsFor(call);
    const app = found instanceof Promise ? await found : found;
    const startedAt = clock.steady();
    call.onSecret?.(startedAt - askedAt);
    if (app instanceof JoinError) return app;
    sending.app = app;
    const leftMs = call.deadline - startedAt;
    if (leftMs < minAttemptMs(call)) return new JoinError('DEADLINE_EXCEEDED');
    const url = domains.url(sending.domainIndex, sending.path);
    sending.ordinal += 1;
    const answer = await transport.post({
      url,
      headers: {
        ...sign(app, nonceFrom(randomUUID()), clock.wall()),
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Request-ID': call.requestId,
      },
      body: sending.form,
      timeoutMs: Math.min(sending.timeoutMs, leftMs),
      listenMs: answerTimeoutMs,
      onLateAnswer: (late) => onLateAnswer(judge(late)),
    });
    const error = judge(answer);
    call.onAttempt?.({ ordinal: sending.ordinal, host: url.host, durationMs: clock.steady() - startedAt, error });
    return error;
  }
}

function judge(answer: UpstreamAnswer | JoinError): JoinError | undefined {
  return answer instanceof JoinError ? answer : judgeAnswer(answer);
}

/** The least time that a sending of a call wants. */
export function minAttemptMs(call: Pick<CallOptions, 'minAttemptMs'>): number {
  return call.minAttemptMs ?? MIN_ATTEMPT_MS;
}
