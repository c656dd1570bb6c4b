import type { QueuedJoin } from './message.ts';

/** All that a batch wants for one group. */
export interface MergedJoin {
  groupId: string;
  messages: readonly QueuedJoin[];
  /** The distinct users, order kept, each with the messages that name it. */
  users: ReadonlyMap<string, readonly QueuedJoin[]>;
  /** The messages that give a name, the newest first. */
  naming: readonly QueuedJoin[];
}

/** Merges messages by group. */
export function mergeByGroup(messages: readonly QueuedJoin[]): MergedJoin[] {
  const groups = Map.groupBy(messages, ({ request }) => request.groupId);
  return [...groups].map(([groupId, members]) => {
    return {
      groupId,
      messages: members,
      users: messagesByUser(members),
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
