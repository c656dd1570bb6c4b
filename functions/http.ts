import { MIMEType } from 'node:util';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { JoinError } from '../lib/errors.ts';
import type { Authenticate } from '../lib/identity/authenticate.ts';
import { invalidRequest, type JoinRequest, parsePathAndBody } from '../lib/join/request.ts';
import { type Enqueue, type Invocation, type ServeDeps, serve } from '../lib/join/serve.ts';
import { decide } from '../lib/policy.ts';
import { type HttpAnswer, problemAnswer, queuedAnswer, reportAnswer } from './http-answer.ts';

export interface HttpDeps extends ServeDeps {
  authenticate: Authenticate;
  /** Absent without a queue: `Prefer: respond-async` is then ignored, as RFC 7240 allows. */
  enqueue?: Enqueue | undefined;
}

/** The HTTP door, `POST /groups/{groupId}/members` of an API Gateway HTTP API (payload 2.0). Never throws. */
export function createHandler(deps: HttpDeps) {
  return async (event: APIGatewayProxyEventV2, invocation: Invocation): Promise<HttpAnswer> => {
    const served = await serve(deps, {
      door: 'http',
      invocation,
      givenRequestId: event.headers?.['x-request-id'],
      traceparent: event.headers?.traceparent,
      admit: (onIdentity) => admit(deps, event, onIdentity),
      enqueue: prefersAsync(event.headers?.prefer) ? deps.enqueue : undefined,
    });
    switch (served.kind) {
      case 'reported':
        return reportAnswer(served.report, served.requestId);
      case 'queued':
        return queuedAnswer(served.request, served.requestId);
      case 'failed':
        return problemAnswer(served.error, served.requestId, event.headers?.authorization !== undefined);
    }
  };
}

/** Authenticates, reads, checks and asks the policy, in this order: 401, 415, 400, 403. */
async function admit(
  { authenticate, now }: HttpDeps,
  event: APIGatewayProxyEventV2,
  onIdentity: (durationMs: number) => void,
): Promise<JoinRequest> {
  const askedAt = now();
  const caller = await authenticate(event.headers.authorization).finally(() => onIdentity(now() - askedAt));
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

/** A body without a type is taken for JSON, the only type that this door takes. */
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

/** Whether a Prefer header, a list of preferences with parameters, holds respond-async (RFC 7240). */
function prefersAsync(prefer: string | undefined): boolean {
  return prefer?.split(',').some((one) => one.split(/[;=]/)[0]?.trim().toLowerCase() === 'respond-async') ?? false;
}
