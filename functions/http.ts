import { MIMEType } from 'node:util';
import { JoinError } from '../lib/errors.ts';
import type { Authenticate } from '../lib/identity/authenticate.ts';
import type { Caller } from '../lib/identity/caller.ts';
import { type CheckOrigin, ORIGIN_HEADER } from '../lib/identity/origin.ts';
import { clientOf, senderOf } from '../lib/identity/sender.ts';
import { invalidRequest, type JoinRequest, parsePathAndBody } from '../lib/join/join-request.ts';
import { MAX_REQUEST_BYTES, parseRequestText, unreadableBody } from '../lib/join/request-text.ts';
import {
  type Admitted,
  type Enqueue,
  type Invocation,
  type ServeDeps,
  serve,
  type TellIdentity,
} from '../lib/join/serve.ts';
import type { Decision } from '../lib/policy.ts';
import { fieldOf, isObject, textOf } from './event-field.ts';
import { type HttpAnswer, problemAnswer, queuedAnswer, reportAnswer } from './http-answer.ts';
import { readPrefer } from './prefer.ts';

export interface HttpDeps extends ServeDeps {
  authenticate: Authenticate;
  /** Who may join what. */
  decide: (caller: Caller, request: JoinRequest) => Decision;
  /** Absent where callers may come to API Gateway's own address. */
  checkOrigin?: CheckOrigin | undefined;
  /** Absent without a queue: `Prefer: respond-async` is then ignored, as RFC 7240 allows. */
  enqueue?: Enqueue | undefined;
  /** From 0 up to 1. */
  random: () => number;
}

/** People wait at this door: its calls end no later than this after the start. */
const LIMIT_MS = 8000;

const EXPECTED_EVENT = 'This function expects an event of an API Gateway HTTP API, payload format 2.0.';

/** The HTTP door, `POST /groups/{groupId}/members` of an API Gateway HTTP API (payload 2.0). No event makes it throw. */
export function createHandler(deps: HttpDeps) {
  return async (event: unknown, invocation: Invocation): Promise<HttpAnswer> => {
    const prefer = readPrefer(headerOf(event, 'prefer'));
    const served = await serve(deps, {
      door: 'http',
      invocation,
      givenRequestId: headerOf(event, 'x-request-id'),
      traceparent: headerOf(event, 'traceparent'),
      admit: (tell) => admit(deps, event, tell),
      limitMs: LIMIT_MS,
      later: deps.enqueue && prefer && { enqueue: deps.enqueue, ...prefer },
    });
    switch (served.kind) {
      case 'reported':
        return reportAnswer(served.report, served.requestId, deps.random);
      case 'queued':
        return queuedAnswer(served, served.requestId);
      case 'failed':
        return problemAnswer(served.error, served.requestId, {
          tokenGiven: /^bearer +[^ ]/i.test(headerOf(event, 'authorization') ?? ''),
          random: deps.random,
        });
    }
  };
}

/**
 * Checks the event and the way, authenticates, reads, checks and asks the policy, in this order: 400, 403, 401, 413, 415,
 * 400, 403.
 */
async function admit(
  { authenticate, checkOrigin, decide, clock }: HttpDeps,
  event: unknown,
  tell: TellIdentity,
): Promise<Admitted> {
  if (!isObject(fieldOf(fieldOf(event, 'requestContext'), 'http'))) {
    throw invalidRequest([{ pointer: '', detail: EXPECTED_EVENT }], EXPECTED_EVENT);
  }
  checkOrigin?.(headerOf(event, ORIGIN_HEADER));
  const askedAt = clock.steady();
  const caller = await authenticate(headerOf(event, 'authorization')).finally(() => {
    tell.durationMs(clock.steady() - askedAt);
  });
  tell.client(clientOf(caller));
  const body = readBody(event);
  const selfId = caller.kind === 'user' ? caller.userId : undefined;
  const request = parsePathAndBody(fieldOf(fieldOf(event, 'pathParameters'), 'groupId'), body, selfId);
  const decision = decide(caller, request);
  if (!decision.allowed) throw new JoinError('FORBIDDEN', { detail: decision.reason });
  return { request, senderGroup: () => senderOf(caller) };
}

/** A header by its name in lower case, as API Gateway gives it. */
function headerOf(event: unknown, name: string): string | undefined {
  return textOf(fieldOf(event, 'headers'), name);
}

/** The body's JSON value, or undefined if there is no body. */
function readBody(event: unknown): unknown {
  const body = fieldOf(event, 'body');
  if (!body) return undefined;
  if (typeof body !== 'string') throw unreadableBody();
  const isBase64 = fieldOf(event, 'isBase64Encoded') === true;
  if (Buffer.byteLength(body, isBase64 ? 'base64' : 'utf8') > MAX_REQUEST_BYTES) {
    throw new JoinError('PAYLOAD_TOO_LARGE');
  }
  if (!isUtf8Json(headerOf(event, 'content-type')) || isPacked(headerOf(event, 'content-encoding'))) {
    throw new JoinError('UNSUPPORTED_MEDIA_TYPE');
  }
  return parseRequestText(isBase64 ? decodeBase64(body) : body);
}

/** A body without a type is taken for JSON in UTF-8, the only type that this door takes. */
function isUtf8Json(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  try {
    const { essence } = new MIMEType(contentType);
    const charsets = [...contentType.matchAll(/;\s*charset\s*=\s*"?([^;"\s]*)/gi)];
    const isJson = essence === 'application/json' || /^application\/[^/]+\+json$/.test(essence);
    return isJson && charsets.every(([, charset = '']) => /^utf-?8$/i.test(charset));
  } catch {
    return false;
  }
}

/** Whether a body would have to be unpacked. */
function isPacked(contentEncoding = 'identity'): boolean {
  return contentEncoding.split(',').some((coding) => !/^(identity)?$/i.test(coding.trim()));
}

function decodeBase64(body: string): string {
  const bytes = Buffer.from(body, 'base64');
  // With the mark left in, which is taken out where all texts are read.
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    if (bytes.toString('base64') === body) return utf8.decode(bytes);
  } catch {}
  throw unreadableBody();
}
