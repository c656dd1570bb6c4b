import { type JoinError, toJoinError } from '../errors.ts';
import type { Attempt } from '../rongcloud/client.ts';
import type { RequestFields, Telemetry } from '../telemetry/telemetry.ts';
import type { JoinReport, JoinUsers } from './join-users.ts';
import type { JoinRequest } from './request.ts';
import { validRequestId } from './request-id.ts';

/** What remains of an invocation for answering, once the last call is over. */
const ANSWER_RESERVE_MS = 500;

/** W3C Trace Context, version 00 and what may follow it. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** What every door that joins at once runs on. */
export interface ServeDeps {
  joinUsers: JoinUsers;
  telemetry: Pick<Telemetry, 'attempt' | 'request'>;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The part of Lambda's context that a door needs. */
export interface Invocation {
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** Puts a request on the queue. Gives undefined once SQS took it, else QUEUE_UNAVAILABLE. */
export type Enqueue = (request: JoinRequest, requestId: string) => Promise<JoinError | undefined>;

export interface ServeOptions {
  door: RequestFields['door'];
  invocation: Invocation;
  /** The caller's own request id, if it gave one. */
  givenRequestId: unknown;
  /** A W3C trace context header. */
  traceparent?: string | undefined;
  /** Gives the request to carry out, or throws why there is none. Tells how long it took to know who asks. */
  admit: (onIdentity: (durationMs: number) => void) => Promise<JoinRequest>;
  /** Puts the request on a queue instead of carrying it out. */
  enqueue?: Enqueue | undefined;
}

/** A request's end: how the calls for it went, or that it is on the queue, or why it came to neither. */
export type Served = { requestId: string } & (
  | { kind: 'reported'; report: JoinReport }
  | { kind: 'queued'; request: JoinRequest }
  | { kind: 'failed'; error: JoinError }
);

/** Carries out one request within its invocation's time and writes its log line, whatever happens. Never throws. */
export async function serve(deps: ServeDeps, options: ServeOptions): Promise<Served> {
  const { door, invocation, traceparent, enqueue } = options;
  const startedAt = deps.now();
  const deadline = startedAt + invocation.getRemainingTimeInMillis() - ANSWER_RESERVE_MS;
  const requestId = validRequestId(options.givenRequestId) ?? invocation.awsRequestId;
  const fields: RequestFields = { door, requestId, durationMs: 0 };
  if (traceparent !== undefined && TRACEPARENT.test(traceparent)) fields.traceparent = traceparent;

  const served = await carryOut().catch(
    (thrown: unknown): Served => ({ requestId, kind: 'failed', error: toJoinError(thrown) }),
  );
  deps.telemetry.request({ ...fields, durationMs: deps.now() - startedAt }, failureOf(served));
  return served;

  async function carryOut(): Promise<Served> {
    const request = await options.admit((durationMs) => {
      fields.identityMs = durationMs;
    });
    fields.groupId = request.groupId;
    fields.users = request.userIds.length;
    if (enqueue) {
      const error = await enqueue(request, requestId);
      if (error) return { requestId, kind: 'failed', error };
      fields.queued = request.userIds.length;
      return { requestId, kind: 'queued', request };
    }
    const report = await deps.joinUsers(request, { requestId, deadline, onAttempt, onSecret });
    fields.joined = report.joined.length;
    fields.failed = request.userIds.length - report.joined.length;
    return { requestId, kind: 'reported', report };
  }

  function onAttempt(attempt: Attempt): void {
    fields.upstreamRequestId = requestId;
    fields.attempts = (fields.attempts ?? 0) + 1;
    fields.upstreamMs = (fields.upstreamMs ?? 0) + attempt.durationMs;
    fields.domain = attempt.host;
    deps.telemetry.attempt(attempt);
  }

  function onSecret(durationMs: number): void {
    fields.secretMs = (fields.secretMs ?? 0) + durationMs;
  }
}

/** The first failure of a request, if there was one. */
export function failureOf(served: Served): JoinError | undefined {
  switch (served.kind) {
    case 'reported':
      return served.report.failed[0]?.error;
    case 'failed':
      return served.error;
    case 'queued':
      return undefined;
  }
}
