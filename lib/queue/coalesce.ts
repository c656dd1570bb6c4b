import type { JoinRequest } from '../join/request.ts';

/** A valid request as it came from the queue. */
export interface QueuedJoin {
  /** SQS's id of the message. */
  messageId: string;
  /** The id that the request goes by for whoever sent it. */
  requestId: string;
  /** When it was first sent, in milliseconds since 1970. */
  sentAt: number;
  /** What SQS serves senders fairly by. */
  senderGroup: string | undefined;
  request: JoinRequest;
}

/** All that a batch wants for one group: its messages and their distinct users, order kept. */
export interface MergedJoin {
  groupId: string;
  userIds: readonly string[];
  messages: readonly QueuedJoin[];
  /** The messages that give a name, the newest first. */
  naming: readonly QueuedJoin[];
}

/** Merges messages by group. */
export function coalesce(messages: readonly QueuedJoin[]): MergedJoin[] {
  const groups = Map.groupBy(messages, ({ request }) => request.groupId);
  return [...groups].map(([groupId, members]) => ({
    groupId,
    userIds: [...new Set(members.flatMap(({ request }) => request.userIds))],
    messages: members,
    naming: members.filter(({ request }) => request.groupName !== undefined).sort((a, b) => b.sentAt - a.sentAt),
  }));
}
