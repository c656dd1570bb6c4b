/*
 * Whom the rule in lib/policy.ts lets in and whom it refuses, for every test that is not about the rule itself. Who
 * puts another rule there makes this file fit it, and test/lib/policy.test.ts, and no other test.
 */

/** What a backend's token holds. It may add anyone to any group, and name the group. */
export const SERVICE = { sub: 'backend', scope: 'group:join' };

/** What the token of a user holds that may add itself to each `memberGroup`. It suits README's example of a rule too. */
export const MEMBER = { sub: 'alice', groups: ['acme:*'], tenant: 'acme', role: 'host' };

/** The id of a group that `MEMBER` may join. */
export const memberGroup = (name: string): string => `acme:${name}`;

/** Of a user whose token says nothing but who it is: it adds somebody else and names the group. */
export const REFUSED = { claims: { sub: 'stranger' }, body: '{"userIds":["victim"],"groupName":"Mine"}' };

/** Starts what the rule asks, before all tests, and sets its variables in process.env. It may return what ends that. */
export async function startStandIns() {}
