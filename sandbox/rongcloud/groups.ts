interface Group {
  members: Set<string>;
  name?: string;
}

/** The groups of the stand-in IM service: members in the order they joined, and a name. */
export class Groups {
  readonly #groups = new Map<string, Group>();

  /** Joins all of the users or, past `capacity`, none. A group that nobody made comes into being. */
  join(groupId: string, userIds: readonly string[], capacity: number, name?: string): boolean {
    const group: Group = this.#groups.get(groupId) ?? { members: new Set() };
    const added = new Set(userIds).difference(group.members);
    if (group.members.size + added.size > capacity) return false;
    for (const userId of added) group.members.add(userId);
    if (name !== undefined) group.name = name;
    this.#groups.set(groupId, group);
    return true;
  }

  members(groupId: string): string[] {
    return [...(this.#groups.get(groupId)?.members ?? [])];
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
