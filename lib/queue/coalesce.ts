import type { JoinRequest } from '../join/request.ts';

/** A valid request as it came from the queue. */
export interface QueuedJoin {
  /** SQS's id of the message. */
  messageId: string;
  /** The id that the request goes by for whoever sent it. */
  requestId: string;
  /** When it was sent, in milliseconds since 1970. */
  sentAt: number;
  request: JoinRequest;
}

/** All that a batch wants for one group: its messages and their distinct users, order kept. */
export interface MergedJoin extends JoinRequest {
  messages: readonly QueuedJoin[];
}

/** Merges messages by group. Of several names the newest message's wins. */
export function coalesce(messages: readonly QueuedJoin[]): MergedJoin[] {
  const groups = Map.groupBy(messages, ({ request }) => request.groupId);
  return [...groups].map(([groupId, members]) => {
    const groupName = newestNamed(members)?.request.groupName;
    return {
      groupId,
      userIds: distinctUsers(members),
      messages: members,
      ...(groupName !== undefined && { groupName }),
    };
  });
}

/** The users of some messages, each once, in the order of their first mention. */
export function distinctUsers(messages: readonly QueuedJoin[]): string[] {
  return [...new Set(messages.flatMap(({ request }) => request.userIds))];
}

/** The newest of some messages that give a name. */
export function newestNamed(messages: readonly QueuedJoin[]): QueuedJoin | undefined {
  return messages
    .filter(({ request }) => request.groupName !== undefined)
    .reduce<QueuedJoin | undefined>(
      (newest, message) => (newest && newest.sentAt > message.sentAt ? newest : message),
      undefined,
    );
}
