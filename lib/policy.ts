import type { Caller } from './identity/caller.ts';
import type { JoinRequest } from './join/join-request.ts';

/** The policy's answer. `reason` is a sentence for the caller. */
export type Decision = { allowed: true } | { allowed: false; reason: string };

/**
 * Decides whether a caller may make a join. This is the place for an app's own rule, of who asks (`caller.claims` holds the
 * whole verified token) and of what. It may be async and look things up: docs/policy.md.
 *
 * As shipped: a service may add anyone. A user may add only itself, only to a group that its token grants or that
 * is open to all, and may not set `groupName`, which renames the group for everyone.
 */
export function decide(caller: Caller, request: JoinRequest): Decision {
  if (caller.kind === 'service') return { allowed: true };
  if (request.groupName !== undefined) return denied('Only a service may set groupName.');
  if (!request.userIds.every((userId) => userId === caller.userId)) return denied('A user may add only itself.');
  if (!caller.groupPatterns.some((pattern) => covers(pattern, request.groupId))) {
    return denied('The caller has no grant for this group.');
  }
  return { allowed: true };
}

/** Whether a group id, or a prefix that ends in `*`, covers a group. */
function covers(pattern: string, groupId: string): boolean {
  return pattern === groupId || (pattern.endsWith('*') && groupId.startsWith(pattern.slice(0, -1)));
}

function denied(reason: string): Decision {
  return { allowed: false, reason };
}
