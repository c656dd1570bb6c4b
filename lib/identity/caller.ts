import type { JWTPayload } from 'jose';
import { idFault } from '../ids.ts';
import type { TokenRules } from './token-rules.ts';

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

/** The claims that name a token's client: RFC 9068, OpenID Connect, Okta, Entra ID v1.0. */
const CLIENT_CLAIMS = ['client_id', 'azp', 'cid', 'appid'] as const;

/** The caller that verified claims speak of, or undefined if a user's token has no valid id in the user claim. */
export function toCaller(claims: JWTPayload, rules: TokenRules): Caller | undefined {
  if (hasServiceScope(claims, rules) && isServiceClient(claims, rules)) return { kind: 'service', claims };
  const userId = claimOf(claims, rules.userClaim);
  if (typeof userId !== 'string' || idFault(userId) !== undefined) return undefined;
  return { kind: 'user', userId, groupPatterns: [...grants(claims, rules.groupsClaim), ...rules.openGroups], claims };
}

/** The client that a token names: the first of the claims that do counts, whatever it holds. */
export function clientOf(claims: JWTPayload): string | undefined {
  const client = claimOf(
    claims,
    CLIENT_CLAIMS.find((name) => Object.hasOwn(claims, name)),
  );
  return typeof client === 'string' ? client : undefined;
}

/** Whether a token holds the scope of services. It makes one of a client's token that counts. */
export function hasServiceScope(claims: JWTPayload, { serviceClaims, serviceScope }: TokenRules): boolean {
  return serviceClaims.some((name) => scopes(claimOf(claims, name)).includes(serviceScope));
}

/** Whether a token's client may be a service. */
export function isServiceClient(claims: JWTPayload, { serviceClients }: TokenRules): boolean {
  return serviceClients.length === 0 || serviceClients.includes(clientOf(claims));
}

/** A claim by its name. Nothing that is not the token's own. */
function claimOf(claims: JWTPayload, name: string | undefined): unknown {
  return name !== undefined && Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** The words of a claim with scopes, which is a text with spaces or a list. */
function scopes(claim: unknown): unknown[] {
  if (typeof claim === 'string') return claim.split(' ');
  return Array.isArray(claim) ? claim : [];
}

/** The groups that a token grants. `*` alone grants nothing: opening every group is for the configuration. */
function grants(claims: JWTPayload, groupsClaim: string | undefined): string[] {
  // Some issuers write a list of one as a text.
  const groups: unknown[] = [claimOf(claims, groupsClaim)].flat();
  return groups.filter((group) => typeof group === 'string').filter((group) => group !== '*');
}
