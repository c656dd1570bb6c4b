import type { QueueWorld } from '../queue-world.ts';
import type { Breach } from './breach.ts';
import type { Wish } from './ledger.ts';

/** Whether RongCloud has no answer for a user: then it stays on the queue. */
export function isUndecidable({ rongCloud }: QueueWorld, userId: string): boolean {
  const fault = rongCloud.options.userFaults.get(userId);
  return fault === 1000 || fault === 'blocked';
}

/** Whether RongCloud says no to a user. */
export function isRefused({ rongCloud }: QueueWorld, userId: string): boolean {
  const fault = rongCloud.options.userFaults.get(userId);
  return fault === 400 || fault === 1002;
}

/** Whether nothing is left to do: nobody is on the queue but users for whom RongCloud has no answer. */
export function isAtRest(world: QueueWorld): boolean {
  for (const message of world.queue.messages) {
    const { groupId, userIds } = world.ledger.wishOf(message);
    if (userIds.length === 0) return false;
    for (const userId of userIds) {
      if (!isUndecidable(world, userId) || world.rongCloud.members(groupId).has(userId)) return false;
    }
  }
  return true;
}

/** Checks that each user of a valid message has a place, and at the end only one. */
export function* userBreaches(world: QueueWorld): Generator<Breach> {
  const { rongCloud, queue, ledger } = world;
  const atRest = isAtRest(world);
  const queued = new Set([...queue.messages].flatMap((message) => keysOf(ledger.wishOf(message))));
  const lettered = new Set(ledger.letters.flatMap(({ groupId, failed }) => keysOf({ groupId, userIds: failed })));
  const seen = new Set<string>();
  for (const { groupId, userIds } of ledger.sent) {
    for (const userId of userIds) {
      const key = keyOf(groupId, userId);
      if (seen.has(key)) continue;
      seen.add(key);
      const isSettled = rongCloud.members(groupId).has(userId) || lettered.has(key);
      if (!isSettled && !queued.has(key)) yield { promise: 'no user is lost', detail: `${userId} of ${groupId}` };
      if (atRest || isSettled || isUndecidable(world, userId)) continue;
      const promise = isRefused(world, userId) ? 'who is refused is dead-lettered' : 'who can join has joined';
      yield { promise, detail: `${userId} of ${groupId} still waits` };
    }
  }
  yield* joinedAndWaiting(world);
}

function* joinedAndWaiting({ rongCloud, queue, ledger }: QueueWorld): Generator<Breach> {
  for (const message of queue.messages) {
    const { groupId, userIds } = ledger.wishOf(message);
    const joined = userIds.filter((userId) => rongCloud.members(groupId).has(userId)).length;
    const detail = `${joined} of ${userIds.length} joined ${groupId}, and their message waits`;
    if (joined > 0) yield { promise: 'a user ends in one place', detail };
  }
}

const keyOf = (groupId: string, userId: string): string => `${groupId}\n${userId}`;
const keysOf = ({ groupId, userIds }: Pick<Wish, 'groupId' | 'userIds'>): string[] =>
  userIds.map((userId) => keyOf(groupId, userId));
