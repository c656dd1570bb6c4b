import { randomUUID } from 'node:crypto';
import { JoinError } from '../errors.ts';
import { parseMessage } from '../join/request.ts';
import { validRequestId } from '../join/request-id.ts';
import type { Attempt, RongCloudClient } from '../rongcloud/client.ts';
import { toCalls } from '../rongcloud/form.ts';
import { coalesce, type QueuedJoin } from './coalesce.ts';
import type { DeadLetter, DeadLetterQueue } from './dead-letters.ts';
import type { Pacer } from './pacer.ts';
import { type CallForUsers, settleGroup } from './settle-group.ts';

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
  retained: readonly string[];
  /** Messages that went to the dead-letter queue. */
  deadLettered: readonly DeadLetter[];
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

/** Joins the users of a batch in as few calls as the limits allow, their starts paced. Never throws. */
export type JoinBatch = (messages: readonly QueueMessage[], options: BatchOptions) => Promise<BatchReport>;

export function createJoinBatch({ client, pacer, deadLetters }: BatchDeps): JoinBatch {
  return async (messages, { deadline, onCall, onAttempt }) => {
    const valid: QueuedJoin[] = [];
    const letters: DeadLetter[] = [];
    for (const message of messages) {
      const read = readMessage(message);
      if ('request' in read) valid.push(read);
      else letters.push(read);
    }

    let stoppedBy: JoinError | undefined;
    const beforeSending = async (): Promise<JoinError | undefined> => {
      const given = await pacer.slot((at) => !stoppedBy && at <= deadline - MIN_CALL_MS);
      if (!given) stoppedBy ??= new JoinError('DEADLINE_EXCEEDED');
      return stoppedBy;
    };
    const call: CallForUsers = async (group, userIds, carried) => {
      if (stoppedBy) return stoppedBy;
      const requestId = randomUUID();
      let sent = false;
      let error: JoinError | undefined;
      for (const { form } of toCalls({ ...group, userIds })) {
        error ??= await client.join(form, {
          requestId,
          deadline,
          beforeSending,
          onAttempt(attempt) {
            sent = true;
            onAttempt?.(attempt);
          },
        });
      }
      const { groupId } = group;
      const messageIds = carried.map((one) => one.requestId);
      if (sent) onCall?.({ requestId, groupId, users: userIds.length, messages: messageIds, error });
      // Such a failure is not about this group: the calls of the others would meet it too.
      if (error?.blames === 'service' || error?.blames === 'time') stoppedBy ??= error;
      return error;
    };

    const bodies = new Map(messages.map(({ messageId, body }) => [messageId, body]));
    const retained: string[] = [];
    pacer.begin();
    await Promise.all(
      coalesce(valid).map(async (group) => {
        const verdictOn = await settleGroup(group, call);
        for (const message of group.messages) {
          const { messageId, requestId } = message;
          const verdict = verdictOn(message);
          if (verdict.kind === 'undecided') retained.push(messageId);
          if (verdict.kind === 'refused') {
            const { error, failedCount } = verdict;
            letters.push({ messageId, requestId, body: bodies.get(messageId) ?? '', code: error.code, failedCount });
          }
        }
      }),
    );

    const { taken, error } = await deadLetters.send(letters);
    if (error !== undefined) stoppedBy ??= new JoinError('QUEUE_UNAVAILABLE', { cause: error });
    for (const { messageId } of letters) if (!taken.has(messageId)) retained.push(messageId);
    return { retained, deadLettered: letters.filter(({ messageId }) => taken.has(messageId)), stoppedBy };
  };
}

/** The request in a message, or the dead letter that it becomes. */
function readMessage({ messageId, body, sentAt }: QueueMessage): QueuedJoin | DeadLetter {
  let requestId = messageId;
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'requestId' in value) {
      requestId = validRequestId(value.requestId) ?? messageId;
    }
    return { messageId, requestId, sentAt, request: parseMessage(value) };
  } catch {
    return { messageId, requestId, body, code: 'INVALID_REQUEST', failedCount: 0 };
  }
}
