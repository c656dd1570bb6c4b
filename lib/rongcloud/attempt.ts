import { JoinError } from '../errors.ts';
import type { Domains } from './domains.ts';
import { judgeAnswer } from './return-codes.ts';
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
  /** When this call must be over, in milliseconds since 1970. */
  deadline: number;
  /** A sending with less time than this is not started; 1 second by default. */
  minAttemptMs?: number;
  /** Asked before each sending, with the credentials at hand: waits until it may start, or says why it may not. */
  beforeSending?: () => Promise<JoinError | undefined>;
  onAttempt?: (attempt: Attempt) => void;
  /** Told how long the call waited for the app's credentials. */
  onSecret?: (durationMs: number) => void;
}

/** What is sent next for a call: where to, with which credentials, and how many sendings there were. */
export interface Sending {
  path: string;
  form: string;
  call: CallOptions;
  app: AppCredentials;
  domainIndex: number;
  /** From the start to the last byte of the answer. */
  timeoutMs: number;
  ordinal: number;
}

export interface AttemptDeps {
  transport: Transport;
  /** Milliseconds since 1970. */
  now: () => number;
  randomUUID: () => string;
  /** Told when calls begin with another domain from now on. */
  onSwitch: () => void;
}

/** Makes one attempt: one sending, and another on a new connection if a kept-alive one turns out dead. */
export function createAttempt(domains: Domains, { transport, now, randomUUID, onSwitch }: AttemptDeps) {
  return async (sending: Sending): Promise<JoinError | undefined> => {
    const failover = domains.failover(sending.domainIndex);
    let error = await send(sending);
    if (error instanceof DeadConnection) {
      const again = await send(sending);
      // What went out on the dead connection may have arrived.
      if (again?.outcome !== 'not_sent') error = again;
    }
    if (error?.blames === 'domain' && failover()) onSwitch();
    return error;
  };

  async function send(sending: Sending): Promise<JoinError | undefined> {
    const { call, app } = sending;
    const refused = await call.beforeSending?.();
    if (refused) return refused;
    const startedAt = now();
    const leftMs = call.deadline - startedAt;
    if (leftMs < minAttemptMs(call)) return new JoinError('DEADLINE_EXCEEDED');
    const url = domains.url(sending.domainIndex, sending.path);
    sending.ordinal += 1;
    const answer = await transport.post({
      url,
      headers: {
        ...sign(app, nonceFrom(randomUUID()), startedAt),
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Request-ID': call.requestId,
      },
      body: sending.form,
      timeoutMs: Math.min(sending.timeoutMs, leftMs),
    });
    const error = answer instanceof JoinError ? answer : judgeAnswer(answer);
    call.onAttempt?.({ ordinal: sending.ordinal, host: url.host, durationMs: now() - startedAt, error });
    return error;
  }
}

/** The least time that a sending of a call wants. */
export function minAttemptMs(call: CallOptions): number {
  return call.minAttemptMs ?? MIN_ATTEMPT_MS;
}
