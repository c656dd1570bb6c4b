import { JoinError } from '../../lib/errors.ts';
import { settleUsers as joinWish } from '../../lib/join/settle.ts';
import { mergeByGroup } from '../../lib/queue/merge.ts';
import type { QueuedJoin } from '../../lib/queue/message.ts';

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

/** What became of a group's users and names. A user who is missing is undecided. */
export interface GroupOutcome {
  users: ReadonlyMap<string, 'joined' | JoinError>;
  refusedNames: ReadonlyMap<QueuedJoin, JoinError>;
  namedBy: QueuedJoin | undefined;
}

export interface Narrowed {
  outcome: GroupOutcome;
  /** The calls that were made: their users with spaces between. */
  calls: readonly { users: string; name?: string }[];
  users: readonly string[];
  kinds: readonly string[];
}

/** Joins the users of the messages of one group over a RongCloud that makes one call at a time. */
export async function settleUsers(
  messages: readonly QueuedJoin[],
  judge: Judge,
  options: { inDoubt?: () => boolean; random?: () => number } = {},
): Promise<Narrowed> {
  const calls: { users: string; name?: string }[] = [];
  const kinds: string[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const [group, another] = mergeByGroup(messages);
  if (!group || another) throw new Error('messages of one group are needed');
  const userIds = [...group.users.keys()];
  const found = await joinWish(
    { ...group, userIds },
    {
      unexplained: { isInDoubt: options.inDoubt ?? (() => false), random: options.random ?? (() => 0) },
      makeCall({ kind, groupId, userIds, groupName, unwanted }) {
        if (groupId !== group.groupId) throw new Error('a call for another group');
        const called = last.then(async () => {
          // Whoever waits for the last answer goes on first.
          await new Promise(setImmediate);
          const why = unwanted();
          if (why) return { kind: 'not_started', why } as const;
          calls.push({ users: userIds.join(' '), ...(groupName !== undefined && { name: groupName }) });
          kinds.push(kind);
          const error = judge(userIds, groupName, calls.length);
          return error ? ({ kind: 'failed', error } as const) : ({ kind: 'joined' } as const);
        });
        last = called;
        return called;
      },
    },
  );
  const fates = userIds.flatMap((userId) => {
    const fate = found.fateOf(userId);
    return !fate || (fate !== 'joined' && fate.outcome === 'unknown') ? [] : [[userId, fate] as const];
  });
  const outcome = { users: new Map(fates), refusedNames: found.refusedNames, namedBy: found.namedBy };
  return { outcome, calls, users: calls.map(({ users }) => users), kinds };
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
