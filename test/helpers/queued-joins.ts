import type { QueuedJoin } from '../../lib/queue/message.ts';

let count = 0;

/** A message of the queue for group `g`, sent at 0 ms unless `more` says otherwise, with ids that no other has. */
export function queued(
  userIds: readonly string[],
  more: Partial<QueuedJoin> & { groupId?: string; groupName?: string } = {},
): QueuedJoin {
  const { groupId = 'g', groupName, ...fields } = more;
  count += 1;
  return {
    messageId: `m${count}`,
    requestId: `r${count}`,
    sentAt: 0,
    senderGroup: undefined,
    request: { groupId, userIds, ...(groupName !== undefined && { groupName }) },
    ...fields,
  };
}

/** So many user ids: `u0`, `u1` and so on. */
export function people(howMany: number, prefix = 'u'): string[] {
  return Array.from({ length: howMany }, (_, i) => `${prefix}${i}`);
}
