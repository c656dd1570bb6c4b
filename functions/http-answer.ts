import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { JoinError } from '../lib/errors.ts';
import type { JoinReport } from '../lib/join/join-users.ts';
import { reportProblem, toProblem } from '../lib/join/problem.ts';
import type { JoinRequest } from '../lib/join/request.ts';

/** An answer of the HTTP door, in API Gateway's payload format 2.0. */
export type HttpAnswer = APIGatewayProxyStructuredResultV2;

const PROBLEM = { 'Content-Type': 'application/problem+json' };

/** 200 when all joined, 207 when some did, and the first failure's problem when nobody did. */
export function reportAnswer(report: JoinReport, requestId: string): HttpAnswer {
  const { groupId, joined } = report;
  const failed = report.failed.map(({ userIds, error: { code, outcome, retryable, upstreamCode } }) => {
    return { userIds, code, outcome, retryable, ...(upstreamCode !== undefined && { upstreamCode }) };
  });
  const problem = reportProblem(report, requestId);
  if (!problem) return answer(200, { groupId, joined, requestId });
  if (joined.length > 0) return answer(207, { groupId, joined, requestId, failed });
  return answer(problem.status, { ...problem, failed }, { ...PROBLEM, ...retryAfter(report.failed[0]?.error) });
}

/** 202, once the queue holds the request. */
export function queuedAnswer({ groupId, userIds }: JoinRequest, requestId: string): HttpAnswer {
  return answer(202, { groupId, queued: userIds, requestId }, { 'Preference-Applied': 'respond-async' });
}

/** A problem (RFC 9457). `tokenGiven` says whether a 401 is for a token or for none (RFC 6750, section 3). */
export function problemAnswer(error: JoinError, requestId: string, tokenGiven: boolean): HttpAnswer {
  const challenge = tokenGiven ? 'Bearer realm="groups", error="invalid_token"' : 'Bearer realm="groups"';
  return answer(error.status, toProblem(error, requestId), {
    ...PROBLEM,
    ...retryAfter(error),
    ...(error.code === 'UNAUTHENTICATED' && { 'WWW-Authenticate': challenge }),
  });
}

function retryAfter(error: JoinError | undefined): Record<string, string> {
  return error?.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(error.retryAfterSeconds) };
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
