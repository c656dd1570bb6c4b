import { randomUUID } from 'node:crypto';
import type { JoinError } from '../errors.ts';
import type { Attempt, RongCloudClient } from '../rongcloud/client.ts';
import { toCalls } from '../rongcloud/form.ts';
import { mayBeForItsContent } from '../rongcloud/return-codes.ts';
import type { MergedJoin } from './coalesce.ts';
import type { LostEvents } from './events.ts';
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
  /** When the last call must be over, in milliseconds since 1970. */
  deadline: number;
  onCall?: (call: MergedCall) => void;
  onAttempt?: (attempt: Attempt) => void;
  onLostEvents?: (events: LostEvents) => void;
}

/** Calls for users of a group: each sending waits for its turn, with the app's credentials at hand. */
export function createCall(
  client: RongCloudClient,
  group: MergedJoin,
  turns: Turns,
  options: BatchOptions,
): CallForUsers {
  const { groupId } = group;
  return async (userIds, turn, groupName) => {
    const [call] = toCalls({ groupId, userIds, ...(groupName !== undefined && { groupName }) });
    const requestId = randomUUID();
    let domain: string | undefined;
    let asked = false;
    let running = false;
    const join = (): Promise<JoinError | undefined> =>
      client.join(call?.form ?? '', {
        requestId,
        deadline: options.deadline,
        async beforeSending() {
          asked = true;
          const refusal = await turns.wait(turn);
          running = !refusal;
          return refusal;
        },
        onAttempt(attempt) {
          running = false;
          domain = attempt.host;
          turns.ended(attempt.error);
          options.onAttempt?.(attempt);
        },
      });
    let error = await join();
    // Too many calls say nothing of this one: it waits for another turn, as long as there are any.
    while (error?.blames === 'rate' && error.outcome !== 'not_sent') error = await join();
    if (running) turns.ended(error);
    if (error && (!asked || (domain !== undefined && concernsEveryCall(error)))) turns.stop(error);
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

function requestIdsOf({ messages }: MergedJoin, userIds: readonly string[]): string[] {
  const called = new Set(userIds);
  return messages
    .filter(({ request }) => request.userIds.some((userId) => called.has(userId)))
    .map(({ requestId }) => requestId);
}
