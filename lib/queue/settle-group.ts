import { type JoinError, notSent } from '../errors.ts';
import { toCalls } from '../rongcloud/form.ts';
import { mayBeForItsContent } from '../rongcloud/return-codes.ts';
import type { MergedJoin } from './merge.ts';
import type { QueuedJoin } from './message.ts';
import type { Turn } from './turns.ts';

/** Makes one call for users of a group. Gives the failure, or undefined when all of them joined. Never throws. */
export type CallForUsers = (
  userIds: readonly string[],
  turn: Turn,
  groupName: string | undefined,
) => Promise<JoinError | undefined>;

export interface SettleOptions {
  call: CallForUsers;
  /** Whether RongCloud may be failing as a whole. */
  inDoubt: () => boolean;
  /** From 0 up to 1. */
  random: () => number;
}

/** What became of a group's users and names. */
export interface SettledGroup {
  /** That a user joined, or why RongCloud refused it. Who is not in here is undecided. */
  users: ReadonlyMap<string, 'joined' | JoinError>;
  /** Why RongCloud refused the name of a message. */
  refusedNames: ReadonlyMap<QueuedJoin, JoinError>;
  /** The message whose name the group has now. */
  namedBy: QueuedJoin | undefined;
}

/**
 * Joins the users of one group, and finds out whom RongCloud refuses: a refused call is halved until each refused user
 * stands alone, so that everyone who can join has joined. The newest name goes with one call, and when that fails the
 * users are tried without it before anybody is narrowed down.
 */
export async function settleGroup(group: MergedJoin, options: SettleOptions): Promise<SettledGroup> {
  const { groupId, naming } = group;
  const users = new Map<string, 'joined' | JoinError>();
  const refusedNames = new Map<QueuedJoin, JoinError>();
  /** Users of calls that may have joined them. */
  const uncertain = new Set<string>();
  let namedBy: QueuedJoin | undefined;
  let full: JoinError | undefined;

  const [newest] = naming;
  const calls = toCalls({ groupId, userIds: group.userIds, ...nameOf(newest) });
  const carrier = calls.find(({ userIds }) => userIds.includes(newest?.request.userIds[0] ?? ''));
  await Promise.all(calls.map((call) => settleFirst(call.userIds, call === carrier ? newest : undefined)));
  await settleNames();
  if (full) {
    const withoutCall = notSent(full);
    for (const userId of group.userIds) if (!uncertain.has(userId)) decide(userId, withoutCall);
  }
  return { users, refusedNames, namedBy };

  async function settleFirst(userIds: readonly string[], name: QueuedJoin | undefined): Promise<void> {
    let error = await send(userIds, 'first', name);
    if (error && name && isAboutSome(error) && error.blames !== 'group') {
      const withName = error;
      error = await send(userIds, 'first', undefined);
      if (!error) refusedNames.set(name, withName);
    }
    if (error) await narrow(userIds, error);
  }

  async function settle(userIds: readonly string[]): Promise<void> {
    const error = await send(userIds, 'narrowing', undefined);
    if (error) await narrow(userIds, error);
  }

  /** Finds out whom of a failed call's users the failure was for. */
  async function narrow(userIds: readonly string[], error: JoinError): Promise<void> {
    const [userId] = userIds;
    if (!isAboutSome(error) || userId === undefined) return;
    if (userIds.length === 1) {
      // What RongCloud did not say plainly is held against nobody.
      if (mayBeForItsContent(error)) return;
      // A sending of this very call may have joined the user, so that the next delivery asks again.
      if (error.outcome !== 'unknown') decide(userId, error);
      if (error.blames === 'group') full ??= error;
      return;
    }
    const [left, right] = split(userIds, error);
    const leftError = await send(left, 'narrowing', undefined);
    if (leftError) await Promise.all([settle(right), narrow(left, leftError)]);
    // When the left ones could join, the failure was for the others.
    else if (right.length > 1) await narrow(right, error);
    else await settle(right);
  }

  /** Gives the group the newest name that it takes, where no call has. A name goes with a user who has joined. */
  async function settleNames(): Promise<void> {
    for (const message of naming) {
      if (namedBy) return;
      const userId = message.request.userIds.find((id) => users.get(id) === 'joined');
      if (userId === undefined || refusedNames.has(message)) continue;
      const error = await send([userId], 'narrowing', message);
      if (!error) continue;
      if (!isAboutSome(error)) return;
      refusedNames.set(message, error);
    }
  }

  async function send(
    userIds: readonly string[],
    kind: Turn['kind'],
    name: QueuedJoin | undefined,
  ): Promise<JoinError | undefined> {
    // Who may have joined has to meet the full group alone.
    const unwanted = (): JoinError | undefined => {
      return name || userIds.some((userId) => uncertain.has(userId)) ? undefined : full;
    };
    const turn: Turn = { kind, groupId, users: userIds.length, unwanted };
    const error = await options.call(userIds, turn, name?.request.groupName);
    if (error?.outcome === 'unknown') for (const userId of userIds) uncertain.add(userId);
    if (error) return error;
    for (const userId of userIds) users.set(userId, 'joined');
    namedBy ??= name;
    return undefined;
  }

  function decide(userId: string, error: JoinError): void {
    if (!users.has(userId)) users.set(userId, error);
  }

  /**
   * Two halves. Where RongCloud did not say plainly that it refuses users, they are drawn at random, so that each
   * delivery looks elsewhere; in doubt one user stands alone, who is the likeliest to join.
   */
  function split(userIds: readonly string[], error: JoinError): [readonly string[], readonly string[]] {
    const order = mayBeForItsContent(error) ? shuffled(userIds, options.random) : userIds;
    const middle = options.inDoubt() ? 1 : Math.ceil(order.length / 2);
    return [order.slice(0, middle), order.slice(middle)];
  }
}

function shuffled(userIds: readonly string[], random: () => number): string[] {
  return userIds
    .map((userId) => ({ userId, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ userId }) => userId);
}

/** Whether a failure may be for some users of the call, so that the others may still join. */
function isAboutSome(error: JoinError): boolean {
  if (error.outcome === 'not_sent') return false;
  return error.blames === 'users' || error.blames === 'group' || mayBeForItsContent(error);
}

function nameOf(message: QueuedJoin | undefined): { groupName?: string } {
  const groupName = message?.request.groupName;
  return groupName === undefined ? {} : { groupName };
}
