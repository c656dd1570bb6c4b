import { type JoinError, toJoinError } from './errors.ts';
import type { JoinGroup, JoinReport } from './join-group.ts';
import type { JoinRequest } from './join-request.ts';
import { requestIdOr } from './request-id.ts';
import type { LogFields, LogRequest } from './telemetry.ts';

/** What remains of an invocation for answering, once the last call is over. */
const RESERVE_MS = 500;

export interface ServeDeps {
  joinGroup: JoinGroup;
  log: LogRequest;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The part of Lambda's context that a door needs. */
export interface Invocation {
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

export interface JoinToServe {
  door: LogFields['door'];
  invocation: Invocation;
  /** The caller's own request id, if it gave one. */
  givenRequestId: unknown;
  /** Gives the request to carry out, or throws why there is none. */
  admit(): JoinRequest | Promise<JoinRequest>;
}

/** A request's end: a report if it came to calls, and the first failure if there was one. */
export type ServedJoin = { requestId: string } & (
  | { report: JoinReport; error: undefined }
  | { report: JoinReport; error: JoinError }
  | { report: undefined; error: JoinError }
);

/** Carries out one request within its invocation's time and writes its log line, whatever happens. Never throws. */
export async function serveJoin(deps: ServeDeps, join: JoinToServe): Promise<ServedJoin> {
  const startedAt = deps.now();
  const deadline = startedAt + join.invocation.getRemainingTimeInMillis() - RESERVE_MS;
  const requestId = requestIdOr(join.givenRequestId, join.invocation.awsRequestId);
  const fields: LogFields = { door: join.door, requestId, durationMs: 0 };
  let served: ServedJoin;
  try {
    const request = await join.admit();
    fields.groupId = request.groupId;
    fields.users = request.userIds.length;
    const report = await deps.joinGroup(request, {
      requestId,
      deadline,
      onAttempt({ domain, durationMs }) {
        fields.attempts = (fields.attempts ?? 0) + 1;
        fields.upstreamMs = (fields.upstreamMs ?? 0) + durationMs;
        fields.domain = domain;
      },
    });
    fields.joined = report.joined.length;
    fields.failed = request.userIds.length - report.joined.length;
    const error = report.failed[0]?.error;
    served = error ? { requestId, report, error } : { requestId, report, error: undefined };
  } catch (thrown) {
    served = { requestId, report: undefined, error: toJoinError(thrown) };
  }
  deps.log({ ...fields, durationMs: deps.now() - startedAt }, served.error);
  return served;
}
