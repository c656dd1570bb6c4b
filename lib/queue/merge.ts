import type { QueuedJoin } from './message.ts';

/** All that a batch wants for one group: its messages and their distinct users, order kept. */
export interface MergedJoin {
  groupId: string;
  userIds: readonly string[];
  messages: readonly QueuedJoin[];
  /** The messages that name a user. */
  messagesOf: (userId: string) => readonly QueuedJoin[];
  /** The messages that give a name, the newest first. */
  naming: readonly QueuedJoin[];
}

/** Merges messages by group. */
export function mergeByGroup(messages: readonly QueuedJoin[]): MergedJoin[] {
  const groups = Map.groupBy(messages, ({ request }) => request.groupId);
  return [...groups].map(([groupId, members]) => {
    const byUser = messagesByUser(members);
    return {
      groupId,
      userIds: [...byUser.keys()],
      messages: members,
      messagesOf: (userId) => byUser.get(userId) ?? [],
      naming: members.filter(({ request }) => request.groupName !== undefined).sort((a, b) => b.sentAt - a.sentAt),
    };
  });
}

/** Lists of one are shared by the users of a message: a batch may hold half a million users. */
function messagesByUser(messages: readonly QueuedJoin[]): Map<string, readonly QueuedJoin[]> {
  const byUser = new Map<string, QueuedJoin[]>();
  for (const message of messages) {
    const alone = [message];
    for (const userId of message.request.userIds) {
      const earlier = byUser.get(userId);
      if (!earlier) byUser.set(userId, alone);
      else if (earlier.length === 1) byUser.set(userId, [...earlier, message]);
      else earlier.push(message);
    }
  }
  return byUser;
}
