import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { Clock, type Moment } from '../clock.ts';
import type { JoinError } from '../errors.ts';
import type { Sending } from '../rongcloud/attempts.ts';
import { describeCause, describeFailure } from './error-description.ts';
import type { BatchFields, CallFields, DeadLetterFields, LostEventsFields, RequestFields } from './fields.ts';
import names from './metric-names.json' with { type: 'json' };

/** What is told of requests, calls and batches: log lines and metrics. One instance for each door. */
export interface Telemetry {
  /** Counts what happens behind the requests. */
  observe(event: keyof typeof names): void;
  sending(sending: Sending, lambdaRequestId: string): void;
  /**
   * Ends a request: writes its line and the metrics of its invocation. `userId` is the first whom RongCloud rejected: to be
   * counted, and told to nobody.
   */
  request(fields: RequestFields, error?: JoinError, userId?: string): void;
  /** Ends a call. `userId` is the first of the first message that it carried: to be counted, and told to nobody. */
  call(fields: CallFields, error?: JoinError, userId?: string): void;
  deadLetter(fields: DeadLetterFields): void;
  lostEvents(fields: LostEventsFields, cause: unknown): void;
  /** Ends a batch: writes its line and the metrics of its invocation. */
  batch(fields: BatchFields, error?: JoinError): void;
}

/** Whom a failure is about, where it is about somebody. */
interface Refused {
  groupId?: string | undefined;
  userId?: string | undefined;
}

/** Writes with Powertools, whose own environment variables say namespace and service name. */
export class DoorTelemetry implements Telemetry {
  readonly #door: 'http' | 'invoke' | 'queue';
  readonly #logger = new Logger();
  readonly #metrics: Metrics;
  #coldStart = true;
  /** Of the batch under way: the codes of its calls that failed, and whether RongCloud said yes or no to any. */
  readonly #failedCalls = new Set<string>();
  #answered = false;
  readonly #refusedCallers = new Recent();
  readonly #refusedUsers = new Recent();
  readonly #refusedGroups = new Recent();

  constructor(door: 'http' | 'invoke' | 'queue') {
    this.#door = door;
    this.#metrics = new Metrics({ defaultDimensions: { door } });
  }

  readonly observe = (event: keyof typeof names): void => this.#count(event, 1);

  sending({ ordinal, host, durationMs, error }: Sending, lambdaRequestId: string): void {
    this.#count('upstreamCalls', 1);
    this.#metrics.addMetric(names.upstreamLatency, MetricUnit.Milliseconds, durationMs);
    // The metric and the line below count sendings: their names are public and stay.
    this.#metrics.addMetric(names.attempts, MetricUnit.Count, ordinal);
    if (error?.code === 'UPSTREAM_RATE_LIMITED') this.#count('rateRefusals', 1);
    const fields = { door: this.#door, lambdaRequestId, ordinal, domain: host, durationMs, code: error?.code };
    this.#logger.debug('attempt', fields);
  }

  request(fields: RequestFields, error?: JoinError, userId?: string): void {
    this.#count('joinedUsers', fields.joined ?? 0);
    this.#count('queuedUsers', fields.queued ?? 0);
    this.#count('failedUsers', fields.failed ?? (error ? (fields.users ?? 0) : 0));
    this.#count('failedRequests', error ? 1 : 0);
    const failedByCode = fields.failedByCode ?? (error && { [error.code]: fields.failed ?? fields.users ?? 0 });
    const { groupId } = fields;
    for (const [code, users] of Object.entries(failedByCode ?? {})) {
      this.#countFailure(code, users, { groupId, userId });
    }
    if (error?.caller !== undefined) this.#count('refusedCallers', this.#refusedCallers.add(error.caller));
    if (fields.queueRefusal !== undefined) this.#countFailure(fields.queueRefusal, 0);
    const someServed = (fields.joined ?? 0) + (fields.queued ?? 0) > 0;
    if (error?.blames !== 'caller') this.#countUnserved(error !== undefined && error.status >= 500 && !someServed);
    const outcome = error ? 'not joined' : fields.queued === undefined ? 'joined' : 'queued';
    this.#endInvocation(outcome, fields, error);
  }

  call(fields: CallFields, error?: JoinError, userId?: string): void {
    this.#metrics.addMetric(names.usersPerCall, MetricUnit.Count, fields.users);
    if (error) {
      this.#failedCalls.add(error.code);
      this.#countFailure(error.code, fields.users, { groupId: fields.groupId, userId });
    } else this.#count('joinedUsers', fields.users);
    this.#answered ||= !error || error.status < 500;
    this.#write(error ? 'call failed' : 'called', fields, error);
  }

  deadLetter(fields: DeadLetterFields): void {
    this.#count('deadLettered', 1);
    if (fields.code === 'INVALID_REQUEST') this.#countFailure(fields.code, fields.failedCount);
    this.#logger.warn('dead-lettered', { door: this.#door, ...fields });
  }

  lostEvents(fields: LostEventsFields, cause: unknown): void {
    this.#count('lostEvents', fields.lost);
    this.#logger.error('events lost', { door: this.#door, ...fields, cause: describeCause(cause) });
  }

  batch(fields: BatchFields, error?: JoinError): void {
    this.#count('queueMessages', fields.messages);
    this.#metrics.addMetric(names.messageAge, MetricUnit.Milliseconds, fields.oldestMs);
    // What ended the batch without a call, like a secret out of reach, has not been counted with one.
    if (error && !this.#failedCalls.has(error.code)) this.#countFailure(error.code, 0);
    if (this.#answered || fields.retained > 0) this.#countUnserved(!this.#answered);
    this.#failedCalls.clear();
    this.#answered = false;
    this.#endInvocation(error ? 'batch cut short' : 'batch done', fields, error);
  }

  #count(name: keyof typeof names, value: number): void {
    if (value > 0) this.#metrics.addMetric(names[name], MetricUnit.Count, value);
  }

  /** By code and over all doors: what went wrong, to how many users. */
  #countFailure(code: string, users: number, { groupId, userId }: Refused = {}): void {
    const byCode = new Metrics({ singleMetric: false });
    byCode.addDimension('code', code);
    byCode.addMetric(names.failures, MetricUnit.Count, 1);
    byCode.addMetric(names.failedUsers, MetricUnit.Count, users);
    if (code === 'GROUP_FULL' && groupId !== undefined) {
      byCode.addMetric(names.refusedGroups, MetricUnit.Count, this.#refusedGroups.add(groupId));
    }
    if (code === 'UPSTREAM_REJECTED' && userId !== undefined) {
      byCode.addMetric(names.refusedUsers, MetricUnit.Count, this.#refusedUsers.add(userId));
    }
    byCode.publishStoredMetrics();
  }

  /** Its average is the share of the work that this door could not do; what is a caller's fault is not part of it. */
  #countUnserved(unserved: boolean): void {
    this.#metrics.addMetric(names.unserved, MetricUnit.Count, unserved ? 1 : 0);
  }

  #write(message: string, fields: object, error: JoinError | undefined): void {
    const line = { door: this.#door, ...fields, ...(error && describeFailure(error)) };
    if (!error) this.#logger.info(message, line);
    else if (error.status >= 500) this.#logger.error(message, line);
    else this.#logger.warn(message, line);
  }

  #endInvocation(message: string, fields: object, error: JoinError | undefined): void {
    this.#write(message, { ...fields, coldStart: this.#coldStart }, error);
    this.#coldStart = false;
    if (this.#metrics.hasStoredMetrics()) this.#metrics.publishStoredMetrics();
  }
}

/** As long as a data point of the alarms that ask for this. */
const WINDOW_MS = 12 * 60_000;
/** More of them would tell the alarms nothing more. */
const MAX_HELD = 3;

/** The last few different ones that came in twelve minutes. */
export class Recent {
  readonly #clock: Pick<Clock, 'now' | 'isWithin'>;
  readonly #seenAt = new Map<string, Moment>();

  constructor(clock: Pick<Clock, 'now' | 'isWithin'> = new Clock()) {
    this.#clock = clock;
  }

  /** Adds one, and says how many different ones there were: three at most. */
  add(one: string): number {
    this.#seenAt.delete(one);
    this.#seenAt.set(one, this.#clock.now());
    // The oldest come first.
    for (const [other, seenAt] of this.#seenAt) {
      if (this.#seenAt.size > MAX_HELD || !this.#clock.isWithin(WINDOW_MS, seenAt)) this.#seenAt.delete(other);
    }
    return this.#seenAt.size;
  }
}
