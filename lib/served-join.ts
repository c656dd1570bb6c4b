import type { Caller } from './caller.ts';
import { type JoinError, toJoinError } from './errors.ts';
import type { JoinGroup, JoinReport } from './join-group.ts';
import type { JoinRequest } from './join-request.ts';
import type { Enqueue } from './queue/join-queue.ts';
import { requestIdOr } from './request-id.ts';
import type { Attempt } from './rongcloud/client.ts';
import type { RequestFields, Telemetry } from './telemetry.ts';

/** What remains of an invocation for answering, once the last call is over. */
const RESERVE_MS = 500;

/** W3C Trace Context, version 00 and what may follow it. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

export interface ServeDeps {
  joinGroup: JoinGroup;
  telemetry: Pick<Telemetry, 'attempt' | 'request'>;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The part of Lambda's context that a door needs. */
export interface Invocation {
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

export interface JoinToServe {
  door: RequestFields['door'];
  invocation: Invocation;
  /** The caller's own request id, if it gave one. */
  givenRequestId: unknown;
  /** A W3C trace context header. */
  traceparent?: string | undefined;
  /** Says who asks, or throws why they may not. Left out where that is decided elsewhere. */
  identify?: () => Promise<Caller>;
  /** Gives the request to carry out, or throws why there is none. */
  admit(caller: Caller | undefined): JoinRequest;
  /** Puts the request on a queue instead of carrying it out. */
  enqueue?: Enqueue | undefined;
}

/** A request's end: how the calls for it went, or that it is on the queue, or why it came to neither. */
export type ServedJoin = { requestId: string } & (
  | { kind: 'reported'; report: JoinReport }
  | { kind: 'queued'; request: JoinRequest }
  | { kind: 'failed'; error: JoinError }
);

/** Carries out one request within its invocation's time and writes its log line, whatever happens. Never throws. */
export async function serveJoin(deps: ServeDeps, join: JoinToServe): Promise<ServedJoin> {
  const startedAt = deps.now();
  const deadline = startedAt + join.invocation.getRemainingTimeInMillis() - RESERVE_MS;
  const requestId = requestIdOr(join.givenRequestId, join.invocation.awsRequestId);
  const fields: RequestFields = { door: join.door, requestId, durationMs: 0 };
  if (join.traceparent !== undefined && TRACEPARENT.test(join.traceparent)) fields.traceparent = join.traceparent;
  const onAttempt = (attempt: Attempt): void => {
    fields.upstreamRequestId = requestId;
    fields.attempts = (fields.attempts ?? 0) + 1;
    fields.upstreamMs = (fields.upstreamMs ?? 0) + attempt.durationMs;
    fields.domain = attempt.domain;
    deps.telemetry.attempt(attempt);
  };
  const onSecret = (durationMs: number): void => {
    fields.secretMs = (fields.secretMs ?? 0) + durationMs;
  };
  const identify = async (): Promise<Caller | undefined> => {
    if (!join.identify) return undefined;
    return join.identify().finally(() => {
      fields.identityMs = deps.now() - startedAt;
    });
  };

  async function serve(): Promise<ServedJoin> {
    const request = join.admit(await identify());
    fields.groupId = request.groupId;
    fields.users = request.userIds.length;
    if (join.enqueue) {
      await join.enqueue(request, requestId);
      fields.queued = request.userIds.length;
      return { requestId, kind: 'queued', request };
    }
    const report = await deps.joinGroup(request, { requestId, deadline, onAttempt, onSecret });
    fields.joined = report.joined.length;
    fields.failed = request.userIds.length - report.joined.length;
    return { requestId, kind: 'reported', report };
  }

  const served = await serve().catch(
    (thrown: unknown): ServedJoin => ({ requestId, kind: 'failed', error: toJoinError(thrown) }),
  );
  deps.telemetry.request({ ...fields, durationMs: deps.now() - startedAt }, failureOf(served));
  return served;
}

/** The first failure of a request, if there was one. */
export function failureOf(served: ServedJoin): JoinError | undefined {
  switch (served.kind) {
    case 'reported':
      return served.report.failed[0]?.error;
    case 'failed':
      return served.error;
    case 'queued':
      return undefined;
  }
}
