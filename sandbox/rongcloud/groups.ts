interface Group {
  members: Set<string>;
  name?: string;
}

const NOBODY: ReadonlySet<string> = new Set();

/** How many members a group takes. RongCloud does not say whether a member who joins again counts as a new one. */
export interface MemberLimit {
  capacity: number;
  countsMembers: boolean;
}

/** The groups of the stand-in IM service: members in the order they joined, and a name. */
export class Groups {
  readonly #groups = new Map<string, Group>();

  /** Joins all of the users or, past a limit, none. A group that nobody made comes into being. */
  join(groupId: string, userIds: readonly string[], limit: MemberLimit, name?: string): boolean {
    const group: Group = this.#groups.get(groupId) ?? { members: new Set() };
    const added = new Set(userIds).difference(group.members);
    const counted = limit.countsMembers ? userIds.length : added.size;
    if (group.members.size + counted > limit.capacity) return false;
    for (const userId of added) group.members.add(userId);
    if (name !== undefined) group.name = name;
    this.#groups.set(groupId, group);
    return true;
  }

  members(groupId: string): string[] {
    return [...this.memberSet(groupId)];
  }

  /** The members, without a copy of them. */
  memberSet(groupId: string): ReadonlySet<string> {
    return this.#groups.get(groupId)?.members ?? NOBODY;
  }

  name(groupId: string): string | undefined {
    return this.#groups.get(groupId)?.name;
  }

  /** The ids of all groups, in the order in which they came into being. */
  ids(): string[] {
    return [...this.#groups.keys()];
  }

  clear(): void {
    this.#groups.clear();
  }
}
