/** The groups of the stand-in IM service: members in the order they joined, and a name. */
export class Groups {
  readonly #groups = new Map<string, { members: Set<string>; name?: string }>();

  /** Joins all of the users or, past `capacity`, none. A group that nobody made comes into being. */
  join(groupId: string, userIds: readonly string[], capacity: number, name?: string): boolean {
    const group = this.#groups.get(groupId) ?? { members: new Set<string>() };
    const members = new Set([...group.members, ...userIds]);
    if (members.size > capacity) return false;
    this.#groups.set(groupId, { members, ...(name !== undefined ? { name } : group.name && { name: group.name }) });
    return true;
  }

  members(groupId: string): string[] {
    return [...(this.#groups.get(groupId)?.members ?? [])];
  }

  name(groupId: string): string | undefined {
    return this.#groups.get(groupId)?.name;
  }

  clear(): void {
    this.#groups.clear();
  }
}
