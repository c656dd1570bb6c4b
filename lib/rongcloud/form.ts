/** RongCloud takes at most this many users in one call ("Join a Group"). */
export const MAX_USERS_PER_CALL = 1000;

/**
 * Largest form sent, in bytes. RongCloud refuses bodies over about 100 kB with code 1508 (the vendor's table of return
 * codes), and 1000 ids that need percent-encoding pass that, so the count alone does not bound a call.
 */
export const MAX_FORM_BYTES = 95_000;

/** Users who are put into a group. `groupName` renames it in push notifications. */
export interface GroupJoin<Users extends Iterable<string> = readonly string[]> {
  groupId: string;
  userIds: Users;
  groupName?: string | undefined;
}

/** What stands in a form as it is (URL Standard, "application/x-www-form-urlencoded"). */
const PLAIN = /^[\w.*-]*$/;

/**
 * One pair of a form. RongCloud decodes as `java.net.URLDecoder` does, and URLSearchParams writes what
 * `URLEncoder` would; `encodeURIComponent` does not.
 */
function pair(name: string, value: string): string {
  if (PLAIN.test(value)) return `${name}=${value}`;
  return new URLSearchParams([[name, value]]).toString();
}

/** How many bytes a pair takes. Most ids are plain, and need not be written for that. */
function pairBytes(name: string, value: string): number {
  return PLAIN.test(value) ? name.length + 1 + value.length : pair(name, value).length;
}

/** Splits a join into calls of at most 1000 users and 95 000 bytes each, order kept. */
export function toCalls({ groupId, userIds, groupName }: GroupJoin<Iterable<string>>): GroupJoin[] {
  // The encoded form is ASCII, so characters are bytes; each pair after the first costs one '&' more.
  const headBytes =
    pairBytes('groupId', groupId) + (groupName === undefined ? 0 : 1 + pairBytes('groupName', groupName));
  const calls: GroupJoin[] = [];
  let last: string[] = [];
  // There is no call yet: the first user begins one.
  let bytes = Number.POSITIVE_INFINITY;
  for (const userId of userIds) {
    const next = 1 + pairBytes('userId', userId);
    if (last.length === MAX_USERS_PER_CALL || bytes + next > MAX_FORM_BYTES) {
      last = [];
      bytes = headBytes;
      calls.push({ groupId, userIds: last, groupName });
    }
    last.push(userId);
    bytes += next;
  }
  return calls;
}

/**
 * The `/group/join.json` form of one call. `groupId` and `groupName` stand first: a server that caps the number of
 * parameters then never loses them.
 */
export function toForm({ groupId, userIds, groupName }: GroupJoin): string {
  const pairs = [pair('groupId', groupId)];
  if (groupName !== undefined) pairs.push(pair('groupName', groupName));
  for (const userId of userIds) pairs.push(pair('userId', userId));
  return pairs.join('&');
}
