import { type AskPolicyDeps, askPolicy } from '../lib/ask-policy.ts';
import { toJoinError } from '../lib/errors.ts';
import type { Authenticate } from '../lib/identity/authenticate.ts';
import { type CheckOrigin, ORIGIN_HEADER } from '../lib/identity/origin.ts';
import { clientNameOf, senderOf } from '../lib/identity/sender.ts';
import { type Enqueue, joinOrQueue } from '../lib/join/join-or-queue.ts';
import { invalidRequest, parsePathAndBody } from '../lib/join/join-request.ts';
import { failureOf, type JoinUsers } from '../lib/join/join-users.ts';
import type { Telemetry } from '../lib/telemetry/telemetry.ts';
import { fieldOf, headerOf, isObject } from './event-field.ts';
import { type HttpAnswer, problemAnswer, reportAnswer } from './http-answer.ts';
import { readBody } from './http-body.ts';
import { deadlineOf, type Invocation, startLine } from './invocation.ts';
import { readPrefer } from './prefer.ts';

export interface HttpDeps extends AskPolicyDeps {
  authenticate: Authenticate;
  joinUsers: JoinUsers;
  /** Whether RongCloud has just refused a call because there are too many. */
  isRateLimited: () => boolean;
  /** Absent where callers may come to API Gateway's own address. */
  checkOrigin?: CheckOrigin | undefined;
  /** Absent without a queue: `Prefer: respond-async` is then ignored, as RFC 7240 allows. */
  enqueue?: Enqueue | undefined;
  telemetry: Pick<Telemetry, 'request' | 'sending'>;
  /** From 0 up to 1. */
  random: () => number;
}

/** People wait at this door: its calls to RongCloud end no later than this after the start. */
const LIMIT_MS = 8000;

const EXPECTED_EVENT = 'This function expects an event of an API Gateway HTTP API, payload format 2.0.';

/**
 * The HTTP door, `POST /groups/{groupId}/members` of an API Gateway HTTP API (payload 2.0). Checks the event (400), the way
 * it came (403), the caller (401), the request (413, 415, 400) and what the policy says of both (403), in this order. No
 * event makes it throw.
 */
export function createHandler(deps: HttpDeps) {
  const { authenticate, checkOrigin, enqueue, clock, random } = deps;
  return async (event: unknown, invocation: Invocation): Promise<HttpAnswer> => {
    const line = startLine('http', deps, invocation, {
      requestId: headerOf(event, 'x-request-id'),
      traceparent: headerOf(event, 'traceparent'),
    });
    const { requestId } = line.fields;
    const deadline = deadlineOf(line.startedAt, invocation, LIMIT_MS);
    try {
      if (!isObject(fieldOf(fieldOf(event, 'requestContext'), 'http'))) {
        throw invalidRequest([{ pointer: '', detail: EXPECTED_EVENT }], EXPECTED_EVENT);
      }
      checkOrigin?.(headerOf(event, ORIGIN_HEADER));

      const askedAt = clock.steady();
      const caller = await authenticate(headerOf(event, 'authorization')).finally(() => {
        line.fields.identityMs = clock.steady() - askedAt;
      });
      const client = clientNameOf(caller);
      if (client !== undefined) line.fields.client = client;

      const groupId = fieldOf(fieldOf(event, 'pathParameters'), 'groupId');
      // A user who names nobody joins.
      const selfId = caller.kind === 'user' ? caller.userId : undefined;
      const request = parsePathAndBody(groupId, readBody(event), selfId);
      await askPolicy(deps, caller, request, deadline);
      line.admitted(request);

      // `respond-async`: straight to the queue, or after a try where it has a `wait`.
      const preference = enqueue && readPrefer(headerOf(event, 'prefer'));
      const senderGroup = () => senderOf(caller);
      const report =
        enqueue && preference
          ? await joinOrQueue({ ...deps, enqueue }, request, { ...preference, requestId, deadline, line, senderGroup })
          : await deps.joinUsers(request, { requestId, deadline, log: line });
      line.reported(report, failureOf(report));
      return reportAnswer(report, requestId, random);
    } catch (thrown) {
      const error = toJoinError(thrown);
      line.failed(error);
      const tokenGiven = /^bearer +[^ ]/i.test(headerOf(event, 'authorization') ?? '');
      return problemAnswer(error, requestId, { tokenGiven, random });
    }
  };
}
