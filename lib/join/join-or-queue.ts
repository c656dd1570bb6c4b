import type { JoinError } from '../errors.ts';
import type { RequestLine } from '../telemetry/request-line.ts';
import type { JoinRequest } from './join-request.ts';
import type { JoinReport, JoinUsers } from './join-users.ts';

/** A try that the queue stands behind may be shorter than others: nothing is lost when its time is up. */
const MIN_TRY_MS = 500;

/**
 * Puts a request on the queue, for a sender that shares it fairly with others. Gives undefined once SQS took it, else
 * why it did not.
 */
export type Enqueue = (
  request: JoinRequest,
  requestId: string,
  senderGroup?: string | undefined,
) => Promise<JoinError | undefined>;

export interface JoinOrQueueDeps {
  joinUsers: JoinUsers;
  enqueue: Enqueue;
  /** Whether RongCloud has just refused a call because there are too many. */
  isRateLimited: () => boolean;
}

export interface JoinOrQueueOptions {
  requestId: string;
  /** When the calls must be over, by the steady clock. */
  deadline: number;
  /** How long to try before the request goes to the queue, in milliseconds; undefined if it goes there at once. */
  waitMs: number | undefined;
  line: RequestLine;
  /** Says whom the request is from, if that is a sender of many requests. */
  senderGroup: () => string | undefined;
}

/**
 * Joins users within `waitMs`, and puts those on the queue for whom that failed in a way worth repeating. Throws
 * QUEUE_UNAVAILABLE if nothing was tried and the queue does not take the request; after a try that failed, the report
 * of the try is given instead.
 */
export async function joinOrQueue(
  { joinUsers, enqueue, isRateLimited }: JoinOrQueueDeps,
  request: JoinRequest,
  { requestId, deadline, waitMs, line, senderGroup }: JoinOrQueueOptions,
): Promise<JoinReport> {
  const { groupId, userIds } = request;
  if (waitMs === undefined || isRateLimited()) {
    const error = await enqueue(request, requestId, senderGroup());
    if (!error) return { groupId, joined: [], failed: [], queued: userIds };
    if (waitMs === undefined) throw error;
    line.fields.queueRefusal = error.code;
    return joinUsers(request, { requestId, deadline, log: line });
  }
  const until = Math.min(deadline, line.startedAt + waitMs);
  const tried = await joinUsers(request, { requestId, deadline: until, minSendingMs: MIN_TRY_MS, log: line });
  const queued = tried.failed.filter(({ error }) => error.retryable).flatMap((failed) => failed.userIds);
  if (queued.length === 0) return tried;
  const { groupName } = request;
  // A name that was given or refused is not queued again.
  const name = tried.isNameOpen && groupName !== undefined ? { groupName } : {};
  const error = await enqueue({ groupId, userIds: queued, ...name }, requestId, senderGroup());
  if (!error) return withQueued(tried, queued);
  // The caller learns how the try ended.
  line.fields.queueRefusal = error.code;
  return tried;
}

/** A report without what is on the queue now: users for whom a repetition is worth while, and an open name. */
function withQueued({ failed, nameError, isNameOpen, ...tried }: JoinReport, queued: readonly string[]): JoinReport {
  return {
    ...tried,
    failed: failed.filter(({ error }) => !error.retryable),
    queued,
    ...(nameError && !isNameOpen && { nameError }),
  };
}
