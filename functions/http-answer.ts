import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { JoinError } from '../lib/errors.ts';
import type { FailedUsers, JoinReport } from '../lib/join/join-users.ts';
import { reportProblem, toPartialFailure, toProblem } from '../lib/join/problem.ts';

/** An answer of the HTTP door, in API Gateway's payload format 2.0. */
export type HttpAnswer = APIGatewayProxyStructuredResultV2;

const PROBLEM = { 'Content-Type': 'application/problem+json' };

/**
 * 202 once the queue holds users, 200 when all is done, 207 when users joined but not all is done, and the first failure's
 * problem when nobody joined.
 */
export function reportAnswer(report: JoinReport, requestId: string, random: () => number): HttpAnswer {
  const { groupId, joined, queued } = report;
  if (queued) return queuedAnswer({ ...report, queued }, requestId);
  const failed = report.failed.map(toFailed);
  const problem = reportProblem(report, requestId);
  if (!problem) return answer(200, { groupId, joined, requestId });
  if (joined.length > 0) return answer(207, { groupId, joined, requestId, failed, ...nameErrorOf(report) });
  return answer(problem.status, { ...problem, failed }, { ...PROBLEM, ...retryAfter(report.failed[0]?.error, random) });
}

function queuedAnswer(report: JoinReport & { queued: readonly string[] }, requestId: string): HttpAnswer {
  const { groupId, joined, queued, failed } = report;
  const body = {
    groupId,
    queued,
    requestId,
    ...(joined.length > 0 && { joined }),
    ...(failed.length > 0 && { failed: failed.map(toFailed) }),
    ...nameErrorOf(report),
  };
  return answer(202, body, { 'Preference-Applied': 'respond-async' });
}

/** A problem (RFC 9457). `tokenGiven` says whether a 401 is for a token or for none (RFC 6750, section 3). */
export function problemAnswer(
  error: JoinError,
  requestId: string,
  { tokenGiven, random }: { tokenGiven: boolean; random: () => number },
): HttpAnswer {
  const challenge = tokenGiven ? 'Bearer realm="groups", error="invalid_token"' : 'Bearer realm="groups"';
  return answer(error.status, toProblem(error, requestId), {
    ...PROBLEM,
    ...retryAfter(error, random),
    ...(error.code === 'UNAUTHENTICATED' && { 'WWW-Authenticate': challenge }),
  });
}

function toFailed({ userIds, error }: FailedUsers): object {
  return { userIds, ...toPartialFailure(error) };
}

function nameErrorOf({ nameError }: JoinReport): object {
  return nameError ? { nameError: toPartialFailure(nameError) } : {};
}

/** Spread over once to twice its length, so that callers who failed together do not come back together. */
function retryAfter(error: JoinError | undefined, random: () => number): Record<string, string> {
  const seconds = error?.retryAfterSeconds;
  return seconds === undefined ? {} : { 'Retry-After': String(seconds + Math.floor(random() * (seconds + 1))) };
}

function answer<Body extends { requestId: string }>(statusCode: number, body: Body, headers = {}): HttpAnswer {
  return {
    statusCode,
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'X-Request-ID': body.requestId,
      ...headers,
    },
    body: JSON.stringify(body),
  };
}
