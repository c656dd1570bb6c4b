import type { Clock } from '../lib/clock.ts';
import { isTraceparent, validRequestId } from '../lib/ids.ts';
import type { RequestFields } from '../lib/telemetry/fields.ts';
import { RequestLine } from '../lib/telemetry/request-line.ts';
import type { Telemetry } from '../lib/telemetry/telemetry.ts';

/** The part of Lambda's context that a door needs. */
export interface Invocation {
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** What remains of an invocation for answering, once the last call is over. */
const ANSWER_RESERVE_MS = 500;

/** When the calls of a request that started then must be over, by the steady clock. */
export function deadlineOf(startedAt: number, invocation: Invocation, limitMs = Number.POSITIVE_INFINITY): number {
  return startedAt + Math.min(invocation.getRemainingTimeInMillis() - ANSWER_RESERVE_MS, limitMs);
}

/** Starts the log line of a request. The caller's ids are taken if they are of a kind that may go into logs and calls. */
export function startLine(
  door: RequestFields['door'],
  { telemetry, clock }: { telemetry: Pick<Telemetry, 'request' | 'sending'>; clock: Pick<Clock, 'steady'> },
  { awsRequestId }: Invocation,
  callerIds: { requestId: unknown; traceparent?: string | undefined },
): RequestLine {
  const { traceparent } = callerIds;
  return new RequestLine(telemetry, clock, {
    door,
    requestId: validRequestId(callerIds.requestId) ?? awsRequestId,
    lambdaRequestId: awsRequestId,
    ...(traceparent !== undefined && isTraceparent(traceparent) && { traceparent }),
  });
}
