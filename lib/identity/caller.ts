import type { JWTPayload } from 'jose';
import { idFault } from '../ids.ts';

/** A backend of the app: it may add anyone. */
export interface ServiceCaller {
  kind: 'service';
  claims: JWTPayload;
}

/** A user of the app. */
export interface UserCaller {
  kind: 'user';
  userId: string;
  /** Group ids, and prefixes like `team-*`, that the user may join; `*` alone is any group. */
  groupPatterns: readonly string[];
  claims: JWTPayload;
}

/** Who asks. `claims` are the verified token's. */
export type Caller = ServiceCaller | UserCaller;

export interface TokenRules {
  issuer: string;
  audience: string;
  /** The claim that holds the user id. */
  userClaim: string;
  /** The claim that lists the groups a user may join. */
  groupsClaim?: string;
  /** The scope that makes a token a service's. */
  serviceScope: string;
  /** Groups open to every user, in the form of `UserCaller.groupPatterns`. */
  openGroups: readonly string[];
}

/** The caller that verified claims speak of, or undefined if the user claim is missing or no valid id. */
export function toCaller(claims: JWTPayload, rules: TokenRules): Caller | undefined {
  const userId = Object.hasOwn(claims, rules.userClaim) ? claims[rules.userClaim] : undefined;
  if (typeof userId !== 'string' || idFault(userId) !== undefined) return undefined;
  if (scopes(claims.scope).has(rules.serviceScope) || scopes(claims.scp).has(rules.serviceScope)) {
    return { kind: 'service', claims };
  }
  return { kind: 'user', userId, groupPatterns: [...grants(claims, rules.groupsClaim), ...rules.openGroups], claims };
}

/** The words of a `scope` or `scp` claim, which is a text with spaces or a list. */
function scopes(claim: unknown): Set<unknown> {
  if (typeof claim === 'string') return new Set(claim.split(' '));
  return new Set(Array.isArray(claim) ? claim : []);
}

/** The groups that a token grants. `*` alone grants nothing: opening every group is for the configuration. */
function grants(claims: JWTPayload, groupsClaim: string | undefined): string[] {
  const value = groupsClaim !== undefined && Object.hasOwn(claims, groupsClaim) ? claims[groupsClaim] : undefined;
  if (!Array.isArray(value)) return [];
  return value.filter((group) => typeof group === 'string' && group !== '*');
}
