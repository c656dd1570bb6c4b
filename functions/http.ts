import { MIMEType } from 'node:util';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Authenticate } from '../lib/caller.ts';
import { JoinError, toProblem } from '../lib/errors.ts';
import { type JoinReport, reportProblem } from '../lib/join-group.ts';
import { invalidRequest, type JoinRequest, parsePathAndBody } from '../lib/join-request.ts';
import { decide } from '../lib/policy.ts';
import { type Invocation, type ServeDeps, serveJoin } from '../lib/served-join.ts';

export interface HttpDeps extends ServeDeps {
  authenticate: Authenticate;
}

type HttpResult = APIGatewayProxyStructuredResultV2;

/** The HTTP door, `POST /groups/{groupId}/members` of an API Gateway HTTP API (payload 2.0). Never throws. */
export function createHandler(deps: HttpDeps) {
  return async (event: APIGatewayProxyEventV2, invocation: Invocation): Promise<HttpResult> => {
    const { requestId, report, error } = await serveJoin(deps, {
      door: 'http',
      invocation,
      givenRequestId: event.headers?.['x-request-id'],
      admit: () => admit(event, deps.authenticate),
    });
    return report ? reportAnswer(report, requestId) : problemAnswer(error, requestId, event);
  };
}

/** Authenticates, reads, checks and asks the policy, in this order: 401, 415, 400, 403. */
async function admit(event: APIGatewayProxyEventV2, authenticate: Authenticate): Promise<JoinRequest> {
  const caller = await authenticate(event.headers.authorization);
  const body = readBody(event);
  const selfId = caller.kind === 'user' ? caller.userId : undefined;
  const request = parsePathAndBody(event.pathParameters?.groupId, body, selfId);
  const decision = decide(caller, request);
  if (!decision.allowed) throw new JoinError('FORBIDDEN', { detail: decision.reason });
  return request;
}

/** The body's JSON value, or undefined if there is no body. */
function readBody(event: APIGatewayProxyEventV2): unknown {
  if (!event.body) return undefined;
  if (!isJson(event.headers['content-type'])) throw new JoinError('UNSUPPORTED_MEDIA_TYPE');
  try {
    return JSON.parse(event.isBase64Encoded ? decodeBase64(event.body) : event.body);
  } catch {
    // The parser's message quotes the body, so it is not kept as the cause.
    throw invalidRequest([{ pointer: '', detail: 'Must be valid JSON in UTF-8.' }]);
  }
}

/** A body without a type is taken for JSON, the only type there is here. */
function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  try {
    const { essence } = new MIMEType(contentType);
    return essence === 'application/json' || /^application\/[^/]+\+json$/.test(essence);
  } catch {
    return false;
  }
}

function decodeBase64(body: string): string {
  const bytes = Buffer.from(body, 'base64');
  if (bytes.toString('base64') !== body) throw new Error('not base64');
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

function reportAnswer(report: JoinReport, requestId: string): HttpResult {
  const { groupId, joined } = report;
  const failed = report.failed.map(({ userIds, error: { code, outcome, retryable, upstreamCode } }) => {
    return { userIds, code, outcome, retryable, ...(upstreamCode !== undefined && { upstreamCode }) };
  });
  const problem = reportProblem(report, requestId);
  if (!problem) return answer(200, { groupId, joined, requestId });
  if (joined.length > 0) return answer(207, { groupId, joined, requestId, failed });
  const first = report.failed[0]?.error;
  return answer(problem.status, { ...problem, failed }, { ...PROBLEM, ...retryAfter(first) });
}

function problemAnswer(error: JoinError, requestId: string, event: APIGatewayProxyEventV2): HttpResult {
  return answer(error.status, toProblem(error, requestId), {
    ...PROBLEM,
    ...retryAfter(error),
    ...(error.code === 'UNAUTHENTICATED' && { 'WWW-Authenticate': challenge(event) }),
  });
}

const PROBLEM = { 'Content-Type': 'application/problem+json' };

function retryAfter(error: JoinError | undefined): Record<string, string> {
  return error?.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(error.retryAfterSeconds) };
}

/** RFC 6750, section 3: a request that brought no token is told of no error. */
function challenge(event: APIGatewayProxyEventV2): string {
  return event.headers?.authorization === undefined
    ? 'Bearer realm="groups"'
    : 'Bearer realm="groups", error="invalid_token"';
}

function answer<Body extends { requestId: string }>(statusCode: number, body: Body, headers = {}): HttpResult {
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
