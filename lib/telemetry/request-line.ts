import type { Clock } from '../clock.ts';
import type { JoinError } from '../errors.ts';
import type { Sending } from '../rongcloud/attempts.ts';
import type { CallLog } from '../rongcloud/call.ts';
import type { RequestFields } from './fields.ts';
import type { Telemetry } from './telemetry.ts';

/** What became of the users of a request. */
interface Report {
  joined: readonly string[];
  failed: readonly { userIds: readonly string[]; error: JoinError }[];
  queued?: readonly string[];
  nameError?: JoinError;
}

/**
 * The log line of one request, and its metrics. A door starts it and passes it down; what happens is written to its
 * `fields`; the door ends it once.
 */
export class RequestLine implements CallLog {
  readonly fields: RequestFields;
  /** By the steady clock. */
  readonly startedAt: number;
  readonly #telemetry: Pick<Telemetry, 'request' | 'sending'>;
  readonly #clock: Pick<Clock, 'steady'>;

  constructor(
    telemetry: Pick<Telemetry, 'request' | 'sending'>,
    clock: Pick<Clock, 'steady'>,
    fields: Omit<RequestFields, 'durationMs'>,
  ) {
    this.#telemetry = telemetry;
    this.#clock = clock;
    this.startedAt = clock.steady();
    this.fields = { ...fields, durationMs: 0 };
  }

  /** The request is one that may be carried out. */
  admitted({ groupId, userIds }: { groupId: string; userIds: readonly string[] }): void {
    this.fields.groupId = groupId;
    this.fields.users = userIds.length;
  }

  sent(sending: Sending): void {
    const { fields } = this;
    fields.upstreamRequestId = fields.requestId;
    fields.attempts = (fields.attempts ?? 0) + 1;
    fields.upstreamMs = (fields.upstreamMs ?? 0) + sending.durationMs;
    fields.domain = sending.host;
    this.#telemetry.sending(sending, fields.lambdaRequestId);
  }

  waitedForSecret(ms: number): void {
    this.fields.secretMs = (this.fields.secretMs ?? 0) + ms;
  }

  /** Ends a request that failed as a whole. */
  failed(error: JoinError): void {
    this.#end(error);
  }

  /** Ends a request whose users joined, failed, or went to the queue. */
  reported({ joined, failed, queued, nameError }: Report, error: JoinError | undefined): void {
    this.fields.joined = joined.length;
    this.fields.failed = failed.reduce((users, { userIds }) => users + userIds.length, 0);
    const byCode: Record<string, number> = nameError ? { [nameError.code]: 0 } : {};
    for (const { userIds, error } of failed) byCode[error.code] = (byCode[error.code] ?? 0) + userIds.length;
    if (Object.keys(byCode).length > 1) this.fields.failedByCode = byCode;
    if (queued) this.fields.queued = queued.length;
    // One for each request, so that a single request for many unknown users does not look like an outage.
    const rejected = failed.find(({ error }) => error.code === 'UPSTREAM_REJECTED');
    this.#end(error, rejected?.userIds[0]);
  }

  #end(error: JoinError | undefined, userId?: string): void {
    this.#telemetry.request({ ...this.fields, durationMs: this.#clock.steady() - this.startedAt }, error, userId);
  }
}
