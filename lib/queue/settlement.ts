import { type JoinError, type JoinErrorCode, notSent } from '../errors.ts';
import { type JoinCall, toCalls } from '../rongcloud/form.ts';
import { distinctUsers, type MergedJoin, type QueuedJoin } from './coalesce.ts';

/** Extra calls that finding the guilty of one group may take in a batch. */
const MAX_EXTRA_CALLS = 64;

/** Refusals that are about some of a call's users, so that the others may still join. */
const ABOUT_SOME: ReadonlySet<JoinErrorCode> = new Set(['UPSTREAM_REJECTED', 'GROUP_FULL']);

/** Makes one call for users of a group. Gives the failure, or undefined when all of them joined. */
export type CallForUsers = (
  group: MergedJoin,
  userIds: readonly string[],
  messages: readonly QueuedJoin[],
) => Promise<JoinError | undefined>;

/** What became of a message: all its users joined, some never can, or somebody's case is still open. */
export type Verdict =
  | { kind: 'joined' }
  | { kind: 'condemned'; error: JoinError; failedCount: number }
  | { kind: 'open' };

/**
 * Joins the users of one group, and finds out whom RongCloud refuses when it refuses a call: calls are halved by
 * message until the guilty are alone, and a guilty message by user, so that everyone who can join has joined. Once a
 * single user meets a full group, the rest of the group follows without further calls.
 */
export async function settleGroup(group: MergedJoin, call: CallForUsers): Promise<(message: QueuedJoin) => Verdict> {
  const settlement = new Settlement(group, call);
  const calls = toCalls(group);
  const carried = messagesByCall(group.messages, calls);
  await Promise.all(calls.map(({ userIds }, i) => settlement.settleCall(userIds, carried[i] ?? [])));
  return (message) => settlement.verdict(message);
}

/** The messages that each call carries users of. A message with many users may be in several. */
function messagesByCall(messages: readonly QueuedJoin[], calls: readonly JoinCall[]): QueuedJoin[][] {
  const callOf = new Map(calls.flatMap(({ userIds }, call) => userIds.map((userId) => [userId, call])));
  const carried = calls.map(() => new Set<QueuedJoin>());
  for (const message of messages) {
    for (const userId of message.request.userIds) carried[callOf.get(userId) ?? -1]?.add(message);
  }
  return carried.map((some) => [...some]);
}

class Settlement {
  readonly #group: MergedJoin;
  readonly #call: CallForUsers;
  readonly #joined = new Set<string>();
  readonly #refused = new Map<string, JoinError>();
  #full: JoinError | undefined;
  #extraCalls = 0;

  constructor(group: MergedJoin, call: CallForUsers) {
    this.#group = group;
    this.#call = call;
  }

  async settleCall(userIds: readonly string[], messages: readonly QueuedJoin[]): Promise<void> {
    const error = await this.#call(this.#group, userIds, messages);
    if (!error) this.#markJoined(userIds);
    else if (ABOUT_SOME.has(error.code)) await this.#afterRefusal(error, messages, new Set(userIds));
  }

  verdict({ request }: QueuedJoin): Verdict {
    const refused: JoinError[] = [];
    for (const userId of request.userIds) {
      const error = this.#refused.get(userId) ?? (this.#joined.has(userId) ? undefined : this.#full);
      if (error) refused.push(error);
      else if (!this.#joined.has(userId)) return { kind: 'open' };
    }
    const [error] = refused;
    return error ? { kind: 'condemned', error, failedCount: refused.length } : { kind: 'joined' };
  }

  /** Narrows down users of some messages that were refused together. */
  async #afterRefusal(error: JoinError, messages: readonly QueuedJoin[], inCall: ReadonlySet<string>): Promise<void> {
    const userIds = this.#openUsers(messages, inCall);
    if (userIds.length <= 1) {
      for (const userId of userIds) this.#refuse(userId, error);
      return;
    }
    const [left, right] = halve(messages);
    if (right.length === 0) return this.#halveByUser(userIds, messages);
    const leftJoined = await this.#try(left, inCall);
    // When the first half could join, the refusal was for the second.
    if (leftJoined && this.#openUsers(right, inCall).length > 1) await this.#afterRefusal(error, right, inCall);
    else await this.#try(right, inCall);
  }

  async #halveByUser(userIds: readonly string[], messages: readonly QueuedJoin[]): Promise<void> {
    const [left, right] = halve(userIds);
    const leftJoined = await this.#try(messages, new Set(left));
    if (leftJoined && right.length > 1) await this.#halveByUser(right, messages);
    else await this.#try(messages, new Set(right));
  }

  /** Calls for the open users among some, and narrows down if they are refused. Says whether all of them joined. */
  async #try(messages: readonly QueuedJoin[], among: ReadonlySet<string>): Promise<boolean> {
    const userIds = this.#openUsers(messages, among);
    if (userIds.length === 0) return true;
    if (this.#full || this.#extraCalls >= MAX_EXTRA_CALLS) return false;
    this.#extraCalls += 1;
    const error = await this.#call(this.#group, userIds, messages);
    if (!error) {
      this.#markJoined(userIds);
      return true;
    }
    if (ABOUT_SOME.has(error.code)) await this.#afterRefusal(error, messages, new Set(userIds));
    return false;
  }

  #openUsers(messages: readonly QueuedJoin[], among: ReadonlySet<string>): string[] {
    return distinctUsers(messages).filter(
      (userId) => among.has(userId) && !this.#joined.has(userId) && !this.#refused.has(userId),
    );
  }

  #markJoined(userIds: readonly string[]): void {
    for (const userId of userIds) this.#joined.add(userId);
  }

  #refuse(userId: string, error: JoinError): void {
    this.#refused.set(userId, error);
    if (error.code === 'GROUP_FULL') this.#full ??= notSent(error);
  }
}

function halve<T>(items: readonly T[]): [T[], T[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}
