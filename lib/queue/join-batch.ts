import { randomUUID } from 'node:crypto';
import { JoinError, type JoinErrorCode, toJoinError } from '../errors.ts';
import { parseMessage } from '../join-request.ts';
import { requestIdOr } from '../request-id.ts';
import type { Attempt, CallOptions, RongCloudClient } from '../rongcloud/client.ts';
import { toCalls } from '../rongcloud/form.ts';
import { coalesce, type MergedJoin, type QueuedJoin } from './coalesce.ts';
import type { DeadLetter, DeadLetterQueue } from './dead-letter-queue.ts';
import type { Pacer } from './pacer.ts';
import { type CallForUsers, settleGroup } from './settlement.ts';

/** A message as SQS delivers it. */
export interface QueueMessage {
  messageId: string;
  body: string;
  /** When it was sent, in milliseconds since 1970. */
  sentAt: number;
}

/** One call to RongCloud, for the log. */
export interface MergedCall {
  requestId: string;
  groupId: string;
  users: number;
  /** The request ids of the messages that it carried. */
  messages: readonly string[];
  error: JoinError | undefined;
}

/** What became of a batch. */
export interface BatchReport {
  /** Message ids that stay on the queue: somebody in them has not joined yet. */
  back: readonly string[];
  /** Messages that went to the dead-letter queue. */
  condemned: readonly DeadLetter[];
  /** What ended the batch before its time, if anything did. */
  stoppedBy: JoinError | undefined;
}

export interface BatchDeps {
  client: RongCloudClient;
  pacer: Pacer;
  deadLetters: DeadLetterQueue;
}

export interface BatchOptions {
  /** When the last call must be over, in milliseconds since 1970. */
  deadline: number;
  onCall?: (call: MergedCall) => void;
  onAttempt?: (attempt: Attempt) => void;
}

/** A call is not begun with less time than this. */
const MIN_CALL_MS = 1000;

/** What fails one call for every group alike: it condemns no message and ends the batch. */
const STOPS_THE_BATCH: ReadonlySet<JoinErrorCode> = new Set([
  'UPSTREAM_MISCONFIGURED',
  'UPSTREAM_CREDENTIALS',
  'CREDENTIALS_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
]);

/** Joins the users of a batch in as few calls as the limits allow, their starts paced. Never throws. */
export type JoinBatch = (messages: readonly QueueMessage[], options: BatchOptions) => Promise<BatchReport>;

export function createJoinBatch({ client, pacer, deadLetters }: BatchDeps): JoinBatch {
  return async (messages, { deadline, onCall, onAttempt }) => {
    const valid: QueuedJoin[] = [];
    const condemned: DeadLetter[] = [];
    for (const message of messages) {
      const read = readMessage(message);
      if ('request' in read) valid.push(read);
      else condemned.push(read);
    }

    const callOptions = (requestId: string): CallOptions => ({ requestId, deadline, ...(onAttempt && { onAttempt }) });
    let stoppedBy: JoinError | undefined;
    const call: CallForUsers = async (group, userIds, carried) => {
      // Before the slot, so that waiting for the secret does not make calls pile up behind it.
      await client.prepare();
      const given = await pacer.slot((at) => !stoppedBy && at <= deadline - MIN_CALL_MS);
      if (!given) stoppedBy ??= new JoinError('DEADLINE_EXCEEDED');
      if (stoppedBy) return stoppedBy;
      const requestId = randomUUID();
      const error = await callOnce(group, userIds, requestId);
      const { groupId } = group;
      onCall?.({ requestId, groupId, users: userIds.length, messages: carried.map((one) => one.requestId), error });
      if (error && STOPS_THE_BATCH.has(error.code)) stoppedBy ??= error;
      return error;
    };
    const callOnce = async (group: MergedJoin, userIds: readonly string[], requestId: string) => {
      try {
        for (const { form } of toCalls({ ...group, userIds })) await client.join(form, callOptions(requestId));
        return undefined;
      } catch (thrown) {
        return toJoinError(thrown);
      }
    };

    const bodies = new Map(messages.map(({ messageId, body }) => [messageId, body]));
    const back: string[] = [];
    pacer.begin();
    await Promise.all(
      coalesce(valid).map(async (group) => {
        const verdictOn = await settleGroup(group, call);
        for (const message of group.messages) {
          const { messageId, requestId } = message;
          const verdict = verdictOn(message);
          if (verdict.kind === 'open') back.push(messageId);
          if (verdict.kind === 'condemned') {
            const { error, failedCount } = verdict;
            condemned.push({ messageId, requestId, body: bodies.get(messageId) ?? '', code: error.code, failedCount });
          }
        }
      }),
    );

    const { taken, error } = await deadLetters.send(condemned);
    if (error !== undefined) stoppedBy ??= new JoinError('QUEUE_UNAVAILABLE', { cause: error });
    for (const { messageId } of condemned) if (!taken.has(messageId)) back.push(messageId);
    return { back, condemned: condemned.filter(({ messageId }) => taken.has(messageId)), stoppedBy };
  };
}

/** The request in a message, or the dead letter that it becomes. */
function readMessage({ messageId, body, sentAt }: QueueMessage): QueuedJoin | DeadLetter {
  let requestId = messageId;
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'requestId' in value) {
      requestId = requestIdOr(value.requestId, messageId);
    }
    return { messageId, requestId, sentAt, request: parseMessage(value) };
  } catch {
    return { messageId, requestId, body, code: 'INVALID_REQUEST', failedCount: 0 };
  }
}
