import { type JoinError, notSent } from '../errors.ts';
import type { CallEnd } from '../rongcloud/call.ts';
import { toCalls } from '../rongcloud/form.ts';
import { isUnexplained, refusesUsersOrGroup } from '../rongcloud/return-codes.ts';
import type { JoinRequest } from './join-request.ts';

/** A call that has to be made. */
export interface WantedCall {
  /** First calls go before narrowing ones. */
  kind: 'first' | 'narrowing';
  groupId: string;
  userIds: readonly string[];
  groupName?: string | undefined;
  /** Why the call is no longer needed; asked when its turn comes. */
  unwanted: () => JoinError | undefined;
}

/** Makes a call when its turn comes. Never throws. */
export type MakeCall = (wanted: WantedCall) => Promise<CallEnd>;

/** Something that gives a group a name: a request, or the message that holds it. */
export interface Naming {
  request: JoinRequest;
}

/** The distinct users who shall join one group, and its names, the newest first. */
export interface GroupWish<Name extends Naming> {
  groupId: string;
  /** Read once. */
  userIds: Iterable<string>;
  naming: readonly Name[];
}

export interface SettleOptions {
  makeCall: MakeCall;
  /** How a call is narrowed whose failure is unexplained. Absent where such a call is not narrowed. */
  unexplained?: {
    /** Whether RongCloud may be failing as a whole. */
    isInDoubt: () => boolean;
    /** From 0 up to 1. */
    random: () => number;
  };
}

/** What became of a group's users and names. */
export type Fates<Name extends Naming> = Pick<Settling<Name>, 'fateOf' | 'mayHaveJoined' | 'refusedNames' | 'namedBy'>;

/**
 * Joins the users of one group, and finds out whom RongCloud refuses: a refused call is halved until each refused user
 * stands alone, so that everyone who can join has joined. The newest name goes with one call. If that is refused, it is
 * made again without the name before anybody is narrowed down.
 */
export async function settleUsers<Name extends Naming>(
  wish: GroupWish<Name>,
  options: SettleOptions,
): Promise<Fates<Name>> {
  const settling = new Settling(wish, options);
  await settling.joinUsers();
  await settling.giveName();
  return settling;
}

class Settling<Name extends Naming> {
  /** Why RongCloud refused a name. */
  readonly refusedNames = new Map<Name, JoinError>();
  /** What the group has its name from now. */
  namedBy: Name | undefined;
  readonly #wish: GroupWish<Name>;
  readonly #options: SettleOptions;
  readonly #joined = new Set<string>();
  readonly #refused = new Map<string, JoinError>();
  /** Users of calls that may have joined them. */
  readonly #mayHaveJoined = new Set<string>();
  #full: JoinError | undefined;

  constructor(wish: GroupWish<Name>, options: SettleOptions) {
    this.#wish = wish;
    this.#options = options;
  }

  /**
   * That a user joined, or why RongCloud refused it; undefined if that is undecided. A refusal with the outcome unknown is
   * of a call that may have joined the user before.
   */
  fateOf(userId: string): 'joined' | JoinError | undefined {
    if (this.#joined.has(userId)) return 'joined';
    return this.#refused.get(userId) ?? (this.mayHaveJoined(userId) ? undefined : this.#full);
  }

  /** Whether a sending that held the user may have joined it. */
  mayHaveJoined(userId: string): boolean {
    return this.#mayHaveJoined.has(userId);
  }

  async joinUsers(): Promise<void> {
    const { groupId, userIds, naming } = this.#wish;
    const [newest] = naming;
    const groupName = newest?.request.groupName;
    const calls = toCalls({ groupId, userIds, groupName });
    const carrier = calls.find((call) => call.userIds.includes(newest?.request.userIds[0] ?? ''));
    await Promise.all(calls.map((call) => this.#first(call.userIds, call === carrier ? newest : undefined)));
  }

  /** Gives the group the newest name that it takes, where no call has. A name goes with a user who has joined. */
  async giveName(): Promise<void> {
    for (const name of this.#wish.naming) {
      if (this.namedBy) return;
      const userId = name.request.userIds.find((id) => this.#joined.has(id));
      if (userId === undefined || this.refusedNames.has(name)) continue;
      const error = await this.#ask([userId], 'narrowing', name);
      if (error && !this.#isAboutSome(error)) return;
      if (error) this.refusedNames.set(name, error);
    }
  }

  async #first(userIds: readonly string[], name: Name | undefined): Promise<void> {
    let error = await this.#ask(userIds, 'first', name);
    if (error && name && this.#isAboutSome(error) && error.blames !== 'group') {
      const withName = error;
      error = await this.#ask(userIds, 'first', undefined);
      if (!error) this.refusedNames.set(name, withName);
    }
    if (error) await this.#narrow(userIds, error);
  }

  /** Finds out whom of a failed call's users the failure was for. */
  async #narrow(userIds: readonly string[], error: JoinError): Promise<void> {
    const [userId] = userIds;
    if (!this.#isAboutSome(error) || userId === undefined) return;
    if (userIds.length === 1) {
      // An unexplained failure refuses no user.
      if (isUnexplained(error)) return;
      this.#refused.set(userId, error);
      if (error.blames === 'group') this.#full ??= notSent(error);
      return;
    }
    const [left, right] = this.#split(userIds, error);
    const leftError = await this.#ask(left, 'narrowing');
    if (leftError) await Promise.all([this.#joinOrNarrow(right), this.#narrow(left, leftError)]);
    // When the left ones could join, the failure was for the others. If it is unexplained that may be false, which then
    // costs only calls.
    else if (right.length > 1) await this.#narrow(right, error);
    else await this.#joinOrNarrow(right);
  }

  async #joinOrNarrow(userIds: readonly string[]): Promise<void> {
    const error = await this.#ask(userIds, 'narrowing');
    if (error) await this.#narrow(userIds, error);
  }

  async #ask(userIds: readonly string[], kind: WantedCall['kind'], name?: Name): Promise<JoinError | undefined> {
    const end = await this.#options.makeCall({
      kind,
      groupId: this.#wish.groupId,
      userIds,
      groupName: name?.request.groupName,
      unwanted: () => this.#unwanted(userIds, name),
    });
    if (end.kind === 'not_started') return notSent(end.why);
    if (end.kind === 'failed') {
      if (end.error.outcome === 'unknown') for (const userId of userIds) this.#mayHaveJoined.add(userId);
      return end.error;
    }
    for (const userId of userIds) this.#joined.add(userId);
    this.namedBy ??= name;
    return undefined;
  }

  /** A full group needs no more calls, but for users who may be members already: each of them is asked alone. */
  #unwanted(userIds: readonly string[], name: Name | undefined): JoinError | undefined {
    return name || userIds.some((userId) => this.#mayHaveJoined.has(userId)) ? undefined : this.#full;
  }

  /** Whether a failure may be for some users of the call, so that the others may still join. */
  #isAboutSome(error: JoinError): boolean {
    if (isUnexplained(error)) return this.#options.unexplained !== undefined;
    return refusesUsersOrGroup(error);
  }

  /**
   * Two halves. If the failure is unexplained, they are drawn at random, so that each delivery looks elsewhere; in
   * doubt one user stands alone, who is the likeliest to join.
   */
  #split(userIds: readonly string[], error: JoinError): [readonly string[], readonly string[]] {
    const { unexplained } = this.#options;
    const order = unexplained && isUnexplained(error) ? shuffled(userIds, unexplained.random) : userIds;
    const middle = unexplained?.isInDoubt() ? 1 : Math.ceil(order.length / 2);
    return [order.slice(0, middle), order.slice(middle)];
  }
}

function shuffled(userIds: readonly string[], random: () => number): string[] {
  return userIds
    .map((userId) => ({ userId, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ userId }) => userId);
}
