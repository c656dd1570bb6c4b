import type { Clock } from '../clock.ts';
import { type JoinError, toJoinError } from '../errors.ts';
import type { Attempt } from '../rongcloud/client.ts';
import type { RequestFields } from '../telemetry/fields.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { JoinRequest } from './join-request.ts';
import type { JoinReport, JoinUsers } from './join-users.ts';
import { isTraceparent, validRequestId } from './request-id.ts';

/** What remains of an invocation for answering, once the last call is over. */
const ANSWER_RESERVE_MS = 500;

/** A try that the queue stands behind may be shorter than others: nothing is lost when its time is up. */
const MIN_TRY_MS = 500;

/** What every door that joins at once runs on. */
export interface ServeDeps {
  joinUsers: JoinUsers;
  /** Whether RongCloud has just refused a call because there are too many. */
  isRateLimited?: () => boolean;
  telemetry: Pick<Telemetry, 'attempt' | 'request'>;
  clock: Pick<Clock, 'steady'>;
}

/** The part of Lambda's context that a door needs. */
export interface Invocation {
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/**
 * Puts a request on the queue, for a sender that shares it fairly with others. Gives undefined once SQS took it, else
 * why it did not.
 */
export type Enqueue = (
  request: JoinRequest,
  requestId: string,
  senderGroup?: string | undefined,
) => Promise<JoinError | undefined>;

/** A request that may be carried out. */
export interface Admitted {
  request: JoinRequest;
  /** Says whom it is from, if that is a sender of many requests. */
  senderGroup?: () => string | undefined;
}

export interface ServeOptions {
  door: RequestFields['door'];
  invocation: Invocation;
  /** The caller's own request id, if it gave one. */
  givenRequestId: unknown;
  /** A W3C trace context header. */
  traceparent?: string | undefined;
  /** Gives the request to carry out, or throws why there is none. */
  admit: (tell: TellIdentity) => Promise<Admitted>;
  /** The longest that calls may take, besides what the invocation allows. */
  limitMs?: number;
  /** Where the request may go instead of being carried out now. */
  later?: Later | undefined;
}

/** Takes down for the log how long it took to know who asks, and the client, if it is a service's. */
export interface TellIdentity {
  durationMs(value: number): void;
  client(name: string | undefined): void;
}

export interface Later {
  enqueue: Enqueue;
  /** How long to try first, in milliseconds; undefined for not at all. */
  waitMs: number | undefined;
}

/** A request's end: how the calls for it went, or what of it is on the queue, or why it came to neither. */
export type Served = { requestId: string } & (
  | { kind: 'reported'; report: JoinReport }
  | ({ kind: 'queued'; queued: readonly string[] } & JoinReport)
  | { kind: 'failed'; error: JoinError }
);

/** Carries out one request within its invocation's time and writes its log line, whatever happens. Never throws. */
export async function serve(deps: ServeDeps, options: ServeOptions): Promise<Served> {
  const { door, invocation, traceparent, later } = options;
  const startedAt = deps.clock.steady();
  const deadline = Math.min(
    startedAt + invocation.getRemainingTimeInMillis() - ANSWER_RESERVE_MS,
    startedAt + (options.limitMs ?? Number.POSITIVE_INFINITY),
  );
  const lambdaRequestId = invocation.awsRequestId;
  const requestId = validRequestId(options.givenRequestId) ?? lambdaRequestId;
  const fields: RequestFields = { door, requestId, lambdaRequestId, durationMs: 0 };
  if (traceparent !== undefined && isTraceparent(traceparent)) fields.traceparent = traceparent;

  const served = await carryOut().catch(
    (thrown: unknown): Served => ({ requestId, kind: 'failed', error: toJoinError(thrown) }),
  );
  deps.telemetry.request({ ...fields, durationMs: deps.clock.steady() - startedAt }, failureOf(served));
  return served;

  async function carryOut(): Promise<Served> {
    const admitted = await options.admit({
      durationMs(value) {
        fields.identityMs = value;
      },
      client(name) {
        if (name !== undefined) fields.client = name;
      },
    });
    const { request } = admitted;
    fields.groupId = request.groupId;
    fields.users = request.userIds.length;
    if (!later) return joinNow(request, deadline);
    const nothingYet: JoinReport = { groupId: request.groupId, joined: [], failed: [] };
    if (later.waitMs === undefined) return putOff(later, admitted, nothingYet);
    if (deps.isRateLimited?.()) {
      const served = await putOff(later, admitted, nothingYet);
      if (served.kind === 'queued') return served;
      fields.queueRefusal = failureOf(served)?.code;
      return joinNow(request, deadline);
    }
    const tried = await joinNow(request, Math.min(deadline, startedAt + later.waitMs), MIN_TRY_MS);
    const worthRepeating = tried.report.failed.filter(({ error }) => error.retryable);
    if (worthRepeating.length === 0) return tried;
    const userIds = worthRepeating.flatMap((some) => some.userIds);
    const failed = tried.report.failed.filter(({ error }) => !error.retryable);
    const served = await putOff(later, { ...admitted, request: { ...request, userIds } }, { ...tried.report, failed });
    if (served.kind === 'queued') return served;
    // When the queue fails too, the caller learns how the try ended.
    fields.queueRefusal = failureOf(served)?.code;
    return tried;
  }

  async function joinNow(
    request: JoinRequest,
    until: number,
    minAttemptMs?: number,
  ): Promise<Served & { kind: 'reported' }> {
    const limits = { deadline: until, ...(minAttemptMs !== undefined && { minAttemptMs }) };
    const report = await deps.joinUsers(request, { requestId, ...limits, onAttempt, onSecret });
    fields.joined = report.joined.length;
    fields.failed = request.userIds.length - report.joined.length;
    return { requestId, kind: 'reported', report };
  }

  async function putOff({ enqueue }: Later, admitted: Admitted, report: JoinReport): Promise<Served> {
    const { request } = admitted;
    const error = await enqueue(request, requestId, admitted.senderGroup?.());
    if (error) return { requestId, kind: 'failed', error };
    fields.queued = request.userIds.length;
    if (fields.failed !== undefined) fields.failed -= request.userIds.length;
    return { requestId, kind: 'queued', queued: request.userIds, ...report };
  }

  function onAttempt(attempt: Attempt): void {
    fields.upstreamRequestId = requestId;
    fields.attempts = (fields.attempts ?? 0) + 1;
    fields.upstreamMs = (fields.upstreamMs ?? 0) + attempt.durationMs;
    fields.domain = attempt.host;
    deps.telemetry.attempt(attempt, lambdaRequestId);
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
    case 'queued':
      return served.failed[0]?.error;
    case 'failed':
      return served.error;
  }
}
