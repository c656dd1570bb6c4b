import { JoinError, notSent } from '../../lib/errors.ts';
import { mergeByGroup } from '../../lib/queue/merge.ts';
import type { QueuedJoin } from '../../lib/queue/message.ts';
import { type SettledGroup, settleGroup } from '../../lib/queue/settle-group.ts';

export const REJECTED = new JoinError('UPSTREAM_REJECTED', { upstreamCode: 1002 });
export const FULL = new JoinError('GROUP_FULL', { upstreamCode: 405 });
export const INTERNAL = new JoinError('UPSTREAM_UNAVAILABLE', { upstreamCode: 1000 });
/** A 4xx that is not JSON. */
export const FIREWALL = new JoinError('UPSTREAM_MISCONFIGURED');
export const TIMEOUT = new JoinError('UPSTREAM_TIMEOUT');

/** How a call ends; undefined if everyone in it joins. The first call is number 1. */
export type Judge = (
  userIds: readonly string[],
  groupName: string | undefined,
  ordinal: number,
) => JoinError | undefined;

export interface Settled {
  settled: SettledGroup;
  /** The calls that were made: their users with spaces between. */
  calls: readonly { users: string; name?: string }[];
  users: readonly string[];
  kinds: readonly string[];
}

/** Settles the messages of one group over a RongCloud that makes one call at a time. */
export async function settle(
  messages: readonly QueuedJoin[],
  judge: Judge,
  options: { inDoubt?: () => boolean; random?: () => number } = {},
): Promise<Settled> {
  const calls: { users: string; name?: string }[] = [];
  const kinds: string[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const [group, another] = mergeByGroup(messages);
  if (!group || another) throw new Error('messages of one group are needed');
  const settled = await settleGroup(group, {
    inDoubt: () => false,
    random: () => 0,
    ...options,
    call(userIds, turn, groupName) {
      if (turn.groupId !== group.groupId || turn.users !== userIds.length) throw new Error('a turn for another call');
      const called = last.then(async () => {
        // Whoever waits for the last answer goes on first.
        await new Promise(setImmediate);
        const unwanted = turn.unwanted();
        if (unwanted) return notSent(unwanted);
        calls.push({ users: userIds.join(' '), ...(groupName !== undefined && { name: groupName }) });
        kinds.push(turn.kind);
        return judge(userIds, groupName, calls.length);
      });
      last = called;
      return called;
    },
  });
  return { settled, calls, users: calls.map(({ users }) => users), kinds };
}

/** Refuses every call that holds one of these users. */
export function includes(...bad: string[]): (error: JoinError) => Judge {
  return (error) => (userIds) => (userIds.some((userId) => bad.includes(userId)) ? error : undefined);
}

/** A group with so many places. */
export function room(places: number): Judge {
  let members = new Set<string>();
  return (userIds) => {
    const together = members.union(new Set(userIds));
    if (together.size > places) return FULL;
    members = together;
    return undefined;
  };
}
