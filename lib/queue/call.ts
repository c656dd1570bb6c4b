import { randomUUID } from 'node:crypto';
import type { LostEvents } from '../aws/event-bus.ts';
import { type JoinError, unsure } from '../errors.ts';
import type { Attempt, RongCloudClient } from '../rongcloud/client.ts';
import { toForm } from '../rongcloud/form.ts';
import { mayBeForItsContent } from '../rongcloud/return-codes.ts';
import type { MergedJoin } from './merge.ts';
import type { QueuedJoin } from './message.ts';
import type { CallForUsers } from './settle-group.ts';
import type { Turns } from './turns.ts';

/** One call to RongCloud, for the log. */
export interface MergedCall {
  requestId: string;
  groupId: string;
  users: number;
  /** The request ids of the messages that it carried. */
  messages: readonly string[];
  /** The host that was called last. */
  domain: string | undefined;
  error: JoinError | undefined;
}

/** What all calls of a batch have in common. */
export interface BatchOptions {
  /** When the last call must be over, by the steady clock. */
  deadline: number;
  onCall?: (call: MergedCall) => void;
  onAttempt?: (attempt: Attempt) => void;
  onLostEvents?: (events: LostEvents) => void;
}

/** Calls for users of a group: each sending waits for its turn. */
export function createCall(
  client: RongCloudClient,
  group: MergedJoin,
  turns: Turns,
  options: BatchOptions,
): CallForUsers {
  const { groupId } = group;
  return async (userIds, turn, groupName) => {
    const form = toForm({ groupId, userIds, ...(groupName !== undefined && { groupName }) });
    const requestId = randomUUID();
    let domain: string | undefined;
    let hasTurn = false;
    const join = (): Promise<JoinError | undefined> =>
      client.join(form, {
        requestId,
        deadline: options.deadline,
        async beforeSending() {
          const refusal = await turns.wait(turn);
          hasTurn = !refusal;
          return refusal;
        },
        onAttempt(attempt) {
          hasTurn = false;
          domain = attempt.host;
          turns.ended(attempt.error);
          options.onAttempt?.(attempt);
        },
      });
    let error = await join();
    let mayHaveJoined = false;
    // Too many calls say nothing of this one: it waits for another turn, as long as there are any.
    while (error?.blames === 'rate' && error.outcome !== 'not_sent') {
      mayHaveJoined ||= error.outcome === 'unknown';
      error = await join();
    }
    if (hasTurn) turns.ended(error);
    // Nothing was sent in a turn: the secret or the time has run out, for all.
    const isOver = hasTurn && error?.outcome === 'not_sent';
    if (error && (isOver || (domain !== undefined && concernsEveryCall(error)))) turns.stop(error);
    if (error && mayHaveJoined && error.outcome !== 'unknown') error = unsure(error);
    if (domain !== undefined) {
      const messages = requestIdsOf(group, userIds);
      options.onCall?.({ requestId, groupId, users: userIds.length, messages, domain, error });
    }
    return error;
  };
}

/** Whether the other calls would meet the failure too, even those for other users. */
function concernsEveryCall(error: JoinError): boolean {
  return (error.blames === 'service' || error.blames === 'time') && !mayBeForItsContent(error);
}

function requestIdsOf({ messagesOf }: MergedJoin, userIds: readonly string[]): string[] {
  const messages = new Set<QueuedJoin>();
  for (const userId of userIds) for (const message of messagesOf(userId)) messages.add(message);
  return [...messages].map(({ requestId }) => requestId);
}
