import type { Clock, Moment } from '../clock.ts';
import type { JoinError } from '../errors.ts';
import type { Sending } from '../rongcloud/attempts.ts';
import type { CallEnd, CallLog } from '../rongcloud/call.ts';
import type { BatchFields, CallFields, DeadLetterFields } from './fields.ts';
import type { Telemetry } from './telemetry.ts';

/** What a batch did with its messages. */
export type BatchCounts = Pick<BatchFields, 'done' | 'retained' | 'requeued' | 'deadLettered'>;

/** The log lines of one batch and its metrics: a line for each call, each dead letter and the batch itself. */
export class BatchLine {
  readonly lambdaRequestId: string;
  readonly startedAt: Moment;
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  #messages = 0;
  #oldestMs = 0;
  #calls = 0;
  #users = 0;

  constructor(telemetry: Telemetry, clock: Clock, lambdaRequestId: string) {
    this.#telemetry = telemetry;
    this.#clock = clock;
    this.lambdaRequestId = lambdaRequestId;
    this.startedAt = clock.now();
  }

  /** The batch has so many messages, of which those that can be read were first sent at these times (since 1970). */
  received(messages: number, sentAt: readonly number[]): void {
    this.#messages = messages;
    this.#oldestMs = sentAt.reduce((oldestMs, at) => Math.max(oldestMs, this.startedAt.wall - at), 0);
  }

  /** Starts the line of a call, which goes by this id at RongCloud. */
  startCall(upstreamRequestId: string): CallLine {
    return new CallLine(this, upstreamRequestId);
  }

  sent(sending: Sending): void {
    this.#telemetry.sending(sending, this.lambdaRequestId);
  }

  /** A call was made, and ended so. */
  called(fields: Omit<CallFields, 'lambdaRequestId'>, end: CallEnd, userId: string | undefined): void {
    this.#calls += 1;
    this.#users += fields.users;
    const error = end.kind === 'failed' ? end.error : undefined;
    this.#telemetry.call({ lambdaRequestId: this.lambdaRequestId, ...fields }, error, userId);
  }

  deadLetter(fields: Omit<DeadLetterFields, 'lambdaRequestId'>): void {
    this.#telemetry.deadLetter({ ...fields, lambdaRequestId: this.lambdaRequestId });
  }

  lostEvents({ cause, ...lost }: { events: number; lost: number; cause: unknown }): void {
    const { lambdaRequestId } = this;
    this.#telemetry.lostEvents({ requestId: lambdaRequestId, lambdaRequestId, ...lost }, cause);
  }

  end(counts: BatchCounts, error?: JoinError): void {
    const { lambdaRequestId, startedAt } = this;
    const fields = {
      requestId: lambdaRequestId,
      lambdaRequestId,
      messages: this.#messages,
      oldestMs: this.#oldestMs,
      users: this.#users,
      calls: this.#calls,
      ...counts,
      durationMs: this.#clock.steady() - startedAt.steady,
    };
    this.#telemetry.batch(fields, error);
  }
}

/** The log line of one call. */
class CallLine implements CallLog {
  readonly #batch: BatchLine;
  readonly #upstreamRequestId: string;
  #domain: string | undefined;

  constructor(batch: BatchLine, upstreamRequestId: string) {
    this.#batch = batch;
    this.#upstreamRequestId = upstreamRequestId;
  }

  sent(sending: Sending): void {
    this.#domain = sending.host;
    this.#batch.sent(sending);
  }

  waitedForSecret(): void {}

  end(fields: Pick<CallFields, 'groupId' | 'users' | 'messages'>, end: CallEnd, userId: string | undefined): void {
    this.#batch.called({ upstreamRequestId: this.#upstreamRequestId, ...fields, domain: this.#domain }, end, userId);
  }
}
