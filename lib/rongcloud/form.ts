/** RongCloud takes at most this many users in one call ("Join a Group"). */
export const MAX_USERS_PER_CALL = 1000;

/**
 * Largest form sent, in bytes. RongCloud refuses bodies over about 100 kB with code 1508 (the vendor's table of return
 * codes), and 1000 ids that need percent-encoding pass that, so the count alone does not bound a call.
 */
export const MAX_FORM_BYTES = 95_000;

/** A join: 1 to 3000 distinct users, order kept. `groupName` renames the group in push notifications. */
export interface JoinRequest {
  groupId: string;
  userIds: readonly string[];
  groupName?: string;
}

/** One call's worth of a join: its users and the `/group/join.json` form that carries them. */
export interface JoinCall {
  userIds: readonly string[];
  form: string;
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

/**
 * Splits a join into calls of at most 1000 users and 95 000 bytes, order kept. In each form `groupId` and
 * `groupName` stand first: a server that caps the number of parameters then never loses them.
 */
export function toCalls({ groupId, userIds, groupName }: JoinRequest): JoinCall[] {
  const head = [pair('groupId', groupId), ...(groupName === undefined ? [] : [pair('groupName', groupName)])];
  const calls: JoinCall[] = [];
  let users: string[] = [];
  let pairs = [...head];
  // The encoded form is ASCII, so characters are bytes; each pair costs one '&' more.
  const headBytes = head.join('&').length;
  let bytes = headBytes;
  const finishCall = (): void => {
    calls.push({ userIds: users, form: pairs.join('&') });
    users = [];
    pairs = [...head];
    bytes = headBytes;
  };
  for (const userId of userIds) {
    const next = pair('userId', userId);
    const full = users.length === MAX_USERS_PER_CALL || bytes + 1 + next.length > MAX_FORM_BYTES;
    if (full && users.length > 0) finishCall();
    users.push(userId);
    pairs.push(next);
    bytes += 1 + next.length;
  }
  if (users.length > 0) finishCall();
  return calls;
}
