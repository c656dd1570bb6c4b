import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { JoinError } from '../errors.ts';
import type { Sending } from '../rongcloud/call-log.ts';
import { describeCause, describeFailure } from './error-description.ts';
import type { BatchFields, CallFields, DeadLetterFields, LostEventsFields, RequestFields } from './fields.ts';
import names from './metric-names.json' with { type: 'json' };
import { Recent } from './recent.ts';

/** What is told of requests, calls and batches: log lines and metrics. One instance for each door. */
export interface Telemetry {
  /** Counts what happens behind the requests. */
  observe(event: keyof typeof names): void;
  attempt(sending: Sending, lambdaRequestId: string): void;
  /** Ends a request: writes its line and the metrics of its invocation. */
  request(fields: RequestFields, error?: JoinError): void;
  call(fields: CallFields, error?: JoinError): void;
  deadLetter(fields: DeadLetterFields): void;
  lostEvents(fields: LostEventsFields, cause: unknown): void;
  /** Ends a batch: writes its line and the metrics of its invocation. */
  batch(fields: BatchFields, error?: JoinError): void;
}

/** Namespace and service name are Powertools' own environment variables. */
export function createTelemetry(door: 'http' | 'invoke' | 'queue'): Telemetry {
  const logger = new Logger();
  const metrics = new Metrics({ defaultDimensions: { door } });
  let coldStart = true;
  /** Of the batch under way: the codes of its calls that failed, and whether RongCloud said yes or no to any. */
  const failedCalls = new Set<string>();
  let answered = false;
  const refusedCallers = new Recent();
  const refusedGroups = new Recent();
  const count = (name: keyof typeof names, value: number): void => {
    if (value > 0) metrics.addMetric(names[name], MetricUnit.Count, value);
  };

  /** By code and over all doors: what went wrong, to how many users. */
  function countFailure(code: string, users: number, groupId?: string): void {
    const byCode = new Metrics({ singleMetric: false });
    byCode.addDimension('code', code);
    byCode.addMetric(names.failures, MetricUnit.Count, 1);
    byCode.addMetric(names.failedUsers, MetricUnit.Count, users);
    if (groupId !== undefined && (code === 'GROUP_FULL' || code === 'UPSTREAM_REJECTED')) {
      byCode.addMetric(names.refusedGroups, MetricUnit.Count, refusedGroups.add(groupId));
    }
    byCode.publishStoredMetrics();
  }

  /** Its average is the share of the work that this door could not do; what is a caller's fault is not part of it. */
  function countUnserved(unserved: boolean): void {
    metrics.addMetric(names.unserved, MetricUnit.Count, unserved ? 1 : 0);
  }

  function write(message: string, fields: object, error: JoinError | undefined): void {
    const line = { door, ...fields, ...(error && describeFailure(error)) };
    if (!error) logger.info(message, line);
    else if (error.status >= 500) logger.error(message, line);
    else logger.warn(message, line);
  }

  function endInvocation(message: string, fields: object, error: JoinError | undefined): void {
    write(message, { ...fields, coldStart }, error);
    coldStart = false;
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }

  return {
    observe: (event) => count(event, 1),
    attempt({ ordinal, host, durationMs, error }, lambdaRequestId) {
      count('upstreamCalls', 1);
      metrics.addMetric(names.upstreamLatency, MetricUnit.Milliseconds, durationMs);
      metrics.addMetric(names.attempts, MetricUnit.Count, ordinal);
      if (error?.code === 'UPSTREAM_RATE_LIMITED') count('rateRefusals', 1);
      logger.debug('attempt', { door, lambdaRequestId, ordinal, domain: host, durationMs, code: error?.code });
    },
    request(fields, error) {
      count('joinedUsers', fields.joined ?? 0);
      count('queuedUsers', fields.queued ?? 0);
      count('failedUsers', fields.failed ?? (error ? (fields.users ?? 0) : 0));
      count('failedRequests', error ? 1 : 0);
      const failedByCode = fields.failedByCode ?? (error && { [error.code]: fields.failed ?? fields.users ?? 0 });
      for (const [code, users] of Object.entries(failedByCode ?? {})) countFailure(code, users, fields.groupId);
      if (error?.caller !== undefined) count('refusedCallers', refusedCallers.add(error.caller));
      if (fields.queueRefusal !== undefined) countFailure(fields.queueRefusal, 0);
      const someServed = (fields.joined ?? 0) + (fields.queued ?? 0) > 0;
      if (error?.blames !== 'caller') countUnserved(error !== undefined && error.status >= 500 && !someServed);
      const outcome = error ? 'not joined' : fields.queued === undefined ? 'joined' : 'queued';
      endInvocation(outcome, fields, error);
    },
    call(fields, error) {
      metrics.addMetric(names.usersPerCall, MetricUnit.Count, fields.users);
      if (error) {
        failedCalls.add(error.code);
        countFailure(error.code, fields.users, fields.groupId);
      } else count('joinedUsers', fields.users);
      answered ||= !error || error.status < 500;
      write(error ? 'call failed' : 'called', fields, error);
    },
    deadLetter(fields) {
      count('deadLettered', 1);
      if (fields.code === 'INVALID_REQUEST') countFailure(fields.code, fields.failedCount);
      logger.warn('dead-lettered', { door, ...fields });
    },
    lostEvents(fields, cause) {
      count('lostEvents', fields.lost);
      logger.error('events lost', { door, ...fields, cause: describeCause(cause) });
    },
    batch(fields, error) {
      count('queueMessages', fields.messages);
      metrics.addMetric(names.messageAge, MetricUnit.Milliseconds, fields.oldestMs);
      // What ended the batch without a call, like a secret out of reach, has not been counted with one.
      if (error && !failedCalls.has(error.code)) countFailure(error.code, 0);
      if (answered || fields.retained > 0) countUnserved(!answered);
      failedCalls.clear();
      answered = false;
      endInvocation(error ? 'batch cut short' : 'batch done', fields, error);
    },
  };
}
