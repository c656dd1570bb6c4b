import { type JoinError, notSent } from '../errors.ts';
import { type JoinCall, toCalls } from '../rongcloud/form.ts';
import { INTERNAL_ERROR } from '../rongcloud/return-codes.ts';
import { distinctUsers, type MergedJoin, newestNamed, type QueuedJoin } from './coalesce.ts';

/** Extra calls that finding the refused of one group may take in a batch. */
const MAX_EXTRA_CALLS = 64;

/** Makes one call for users of a group. Gives the failure, or undefined when all of them joined. */
export type CallForUsers = (
  group: MergedJoin,
  userIds: readonly string[],
  messages: readonly QueuedJoin[],
) => Promise<JoinError | undefined>;

/** What became of a message: all its users joined, some never can, or somebody's case is still open. */
export type Verdict =
  | { kind: 'joined' }
  | { kind: 'refused'; error: JoinError; failedCount: number }
  | { kind: 'undecided' };

/**
 * Joins the users of one group, and finds out whom RongCloud refuses when it refuses a call: calls are halved by
 * message until the refused are alone, and a guilty message by user, so that everyone who can join has joined. Once a
 * single user meets a full group, the rest of the group follows without further calls.
 */
export async function settleGroup(group: MergedJoin, call: CallForUsers): Promise<(message: QueuedJoin) => Verdict> {
  const settlement = new Settlement(group, call);
  const calls = toCalls(group);
  const carried = messagesByCall(group.messages, calls);
  await Promise.all(calls.map(({ userIds }, i) => settlement.settleCall(userIds, carried[i] ?? [])));
  await settlement.settleName();
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
  /** Users of calls that may have joined them. */
  readonly #uncertain = new Set<string>();
  /** The message whose name the group gets. */
  readonly #namingMessage: QueuedJoin | undefined;
  #nameGiven = false;
  #nameRefused: JoinError | undefined;
  #full: JoinError | undefined;
  #extraCalls = 0;

  constructor(group: MergedJoin, call: CallForUsers) {
    this.#group = group;
    this.#call = call;
    this.#namingMessage = newestNamed(group.messages);
  }

  async settleCall(userIds: readonly string[], messages: readonly QueuedJoin[]): Promise<void> {
    const error = await this.#send(userIds, messages, true);
    const inCall = new Set(userIds);
    if (error?.upstreamCode === INTERNAL_ERROR) return this.#setAside(rotated(messages, error), inCall);
    if (!error || !aboutSome(error)) return;
    // The refusal may be for a name that none of these messages asked for.
    if (this.#group.groupName !== undefined && !this.#names(messages)) await this.#try(messages, inCall);
    else await this.#afterRefusal(error, rotated(messages, error), inCall);
  }

  /** Gives the group its name, where its users have joined without: in calls for others, or one by one. */
  async settleName(): Promise<void> {
    const { request } = this.#namingMessage ?? {};
    const [userId] = request?.userIds ?? [];
    if (!this.#namingMessage || userId === undefined || this.#nameGiven || this.#nameRefused) return;
    if (this.#extraCalls >= MAX_EXTRA_CALLS || !request?.userIds.every((id) => this.#joined.has(id))) return;
    this.#extraCalls += 1;
    const error = await this.#send([userId], [this.#namingMessage], true);
    if (error?.code === 'UPSTREAM_REJECTED') this.#nameRefused = error;
  }

  verdict(message: QueuedJoin): Verdict {
    const refused: JoinError[] = [];
    for (const userId of message.request.userIds) {
      if (this.#joined.has(userId)) continue;
      const error = this.#refused.get(userId) ?? (this.#uncertain.has(userId) ? undefined : this.#full);
      if (!error) return { kind: 'undecided' };
      refused.push(error);
    }
    const [error] = refused;
    if (error) return { kind: 'refused', error, failedCount: refused.length };
    if (message !== this.#namingMessage || this.#nameGiven) return { kind: 'joined' };
    return this.#nameRefused ? { kind: 'refused', error: this.#nameRefused, failedCount: 0 } : { kind: 'undecided' };
  }

  /** Narrows down users of some messages that were refused together. */
  async #afterRefusal(error: JoinError, messages: readonly QueuedJoin[], inCall: ReadonlySet<string>): Promise<void> {
    const userIds = this.#openUsers(messages, inCall);
    if (userIds.length <= 1) return this.#afterSingleRefusal(error, messages, userIds);
    const [left, right] = halve(messages);
    if (right.length === 0) return this.#halveByUser(rotated(userIds, error), messages);
    const leftJoined = await this.#try(left, inCall);
    // When the first half could join, the refusal was for the second.
    if (leftJoined && this.#openUsers(right, inCall).length > 1) await this.#afterRefusal(error, right, inCall);
    else await this.#try(right, inCall);
  }

  /** A single user is refused, unless it was the name that came with it. */
  async #afterSingleRefusal(
    error: JoinError,
    messages: readonly QueuedJoin[],
    userIds: readonly string[],
  ): Promise<void> {
    const named = this.#names(messages) && error.code === 'UPSTREAM_REJECTED';
    if (named && userIds.length > 0 && this.#extraCalls < MAX_EXTRA_CALLS) {
      this.#extraCalls += 1;
      const nameless = await this.#send(userIds, messages, false);
      if (!nameless) this.#nameRefused ??= error;
      if (!nameless || !aboutSome(nameless)) return;
    }
    for (const userId of userIds) this.#refuse(userId, error);
  }

  /**
   * Joins the neighbours of a message that RongCloud answers with an internal error. One such message spoils one half
   * alone; where both halves fail it is RongCloud's trouble, and more calls would not help. Nobody is condemned for it.
   */
  async #setAside(messages: readonly QueuedJoin[], inCall: ReadonlySet<string>): Promise<void> {
    const halves = halve(messages);
    if (halves[1].length === 0) return;
    const spoiled: QueuedJoin[][] = [];
    for (const half of halves) {
      const userIds = this.#openUsers(half, inCall);
      if (userIds.length === 0) continue;
      if (this.#extraCalls >= MAX_EXTRA_CALLS) return;
      this.#extraCalls += 1;
      const error = await this.#send(userIds, half, this.#names(half));
      if (error?.upstreamCode === INTERNAL_ERROR) spoiled.push(half);
      else if (error && aboutSome(error)) await this.#afterRefusal(error, half, new Set(userIds));
    }
    const [half, ...more] = spoiled;
    if (half && more.length === 0) await this.#setAside(half, inCall);
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
    const error = await this.#send(userIds, messages, this.#names(messages));
    if (!error) return true;
    if (aboutSome(error)) await this.#afterRefusal(error, messages, new Set(userIds));
    return false;
  }

  async #send(
    userIds: readonly string[],
    messages: readonly QueuedJoin[],
    named: boolean,
  ): Promise<JoinError | undefined> {
    const { groupName, ...nameless } = this.#group;
    const error = await this.#call(named && groupName !== undefined ? this.#group : nameless, userIds, messages);
    if (!error) {
      for (const userId of userIds) this.#joined.add(userId);
      this.#nameGiven ||= named;
    } else if (error.outcome === 'unknown') for (const userId of userIds) this.#uncertain.add(userId);
    return error;
  }

  /** Whether some messages hold the one that names the group, and its name has not been refused. */
  #names(messages: readonly QueuedJoin[]): boolean {
    return !this.#nameRefused && this.#namingMessage !== undefined && messages.includes(this.#namingMessage);
  }

  #openUsers(messages: readonly QueuedJoin[], among: ReadonlySet<string>): string[] {
    return distinctUsers(messages).filter(
      (userId) => among.has(userId) && !this.#joined.has(userId) && !this.#refused.has(userId),
    );
  }

  #refuse(userId: string, error: JoinError): void {
    this.#refused.set(userId, error);
    if (error.code === 'GROUP_FULL') this.#full ??= notSent(error);
  }
}

/** Whether a refusal may be about some users of a call, so that the others may still join. */
function aboutSome({ blames }: JoinError): boolean {
  return blames === 'users' || blames === 'group';
}

/**
 * The same items from another start. With more guilty ones than the extra calls can find, each delivery of a message
 * then looks elsewhere first, and in the end everyone who can join has joined. A full group is filled in order.
 */
function rotated<T>(items: readonly T[], { code }: JoinError): T[] {
  const start = code === 'GROUP_FULL' ? 0 : Math.floor(Math.random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}

function halve<T>(items: readonly T[]): [T[], T[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}
