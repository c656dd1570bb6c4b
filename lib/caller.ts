import {
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  type JWTVerifyResult,
  jwtVerify,
  type ResolvedKey,
} from 'jose';
import { JoinError } from './errors.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { idFault } from './join-request.ts';
import { TokenMemory, type VerifiedToken } from './token-memory.ts';

const MAX_TOKEN_BYTES = 8192;
const MAX_LIFETIME_SECONDS = 24 * 60 * 60;
const TOLERANCE_SECONDS = 60;

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
  groups: readonly string[];
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
  /** Groups open to every user, in the form of `UserCaller.groups`. */
  openGroups: readonly string[];
}

export interface AuthenticatorOptions {
  rules: TokenRules;
  keys: Pick<IssuerKeys, 'find'>;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Turns an `Authorization` header into a Caller. Throws UNAUTHENTICATED or IDENTITY_UNAVAILABLE. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

export function createAuthenticator({ rules, keys, now }: AuthenticatorOptions): Authenticate {
  const memory = new TokenMemory();
  const findKey: IssuerKeys['find'] = (header, input) => {
    checkHeader(header);
    return keys.find(header, input);
  };
  return async (authorization) => {
    const token = bearerToken(authorization);
    const currentDate = new Date(now());
    const remembered = memory.get(token);
    if (remembered && (await stillHas(keys, remembered))) {
      checkExpiry(remembered.payload, currentDate.getTime() / 1000);
      return toCaller(remembered.payload, rules);
    }
    let verified: JWTVerifyResult & ResolvedKey;
    try {
      verified = await jwtVerify(token, findKey, {
        algorithms: ['RS256', 'ES256', 'EdDSA'],
        issuer: rules.issuer,
        requiredClaims: ['iat', 'exp'],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate,
      });
    } catch (cause) {
      if (cause instanceof JoinError) throw cause;
      throw unauthenticated(describeRefusal(cause));
    }
    const { payload, protectedHeader: header, key } = verified;
    checkTimes(payload, currentDate.getTime() / 1000);
    checkAudience(payload, rules.audience);
    const caller = toCaller(payload, rules);
    memory.set(token, { header, payload, key });
    return caller;
  };
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined) throw unauthenticated('no Authorization header');
  // Enough for the longest token and the scheme before it.
  if (authorization.length > 2 * MAX_TOKEN_BYTES) throw unauthenticated('the Authorization header is over 16 kB');
  // The characters of a JWT: anything else, a second header joined by a comma included, is no token.
  const match = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization);
  if (!match?.[1]) throw unauthenticated('the Authorization header holds no bearer token');
  if (match[1].length > MAX_TOKEN_BYTES) throw unauthenticated('the token is over 8 kB');
  return match[1];
}

/** Looked at before a key is sought, so a header that can't pass causes no fetch. */
function checkHeader(header: JWTHeaderParameters): void {
  if (Object.hasOwn(header, 'crit')) throw unauthenticated('the header holds crit');
  if (header.kid !== undefined && typeof header.kid !== 'string') throw unauthenticated('the kid is no text');
  if (header.typ === undefined) return;
  const type = typeof header.typ === 'string' ? header.typ.toLowerCase() : '';
  if (!['jwt', 'at+jwt', 'application/at+jwt'].includes(type)) throw unauthenticated('the typ is foreign');
}

/** Whether the issuer has the key that verified a token; as ever, this may fetch, or find no keys at all. */
async function stillHas(keys: Pick<IssuerKeys, 'find'>, { header, key }: VerifiedToken): Promise<boolean> {
  try {
    return (await keys.find(header)) === key;
  } catch (error) {
    if (error instanceof JoinError) throw error;
    return false;
  }
}

/** Of what was true of a token once, all that time can change. */
function checkExpiry({ exp }: JWTPayload, nowSeconds: number): void {
  if (exp === undefined || exp <= nowSeconds - TOLERANCE_SECONDS) throw unauthenticated('ERR_JWT_EXPIRED');
}

function checkTimes({ iat, exp }: JWTPayload, nowSeconds: number): void {
  if (iat === undefined || exp === undefined) throw unauthenticated('iat or exp is missing');
  if (iat > nowSeconds + TOLERANCE_SECONDS) throw unauthenticated('iat is in the future');
  if (!(exp - iat <= MAX_LIFETIME_SECONDS)) throw unauthenticated('the lifetime is over 24 hours');
}

/** Cognito's access tokens have no `aud`; their `client_id` stands for it. */
function checkAudience(payload: JWTPayload, expected: string): void {
  const { aud } = payload;
  const standIn = aud === undefined && payload.token_use === 'access' ? payload.client_id : aud;
  const holds = Array.isArray(standIn) ? standIn.includes(expected) : standIn === expected;
  if (!holds) throw unauthenticated('the audience is another');
}

function toCaller(claims: JWTPayload, rules: TokenRules): Caller {
  const userId = Object.hasOwn(claims, rules.userClaim) ? claims[rules.userClaim] : undefined;
  if (typeof userId !== 'string' || idFault(userId) !== undefined) {
    throw unauthenticated('the user claim is missing or no valid id');
  }
  if (scopes(claims.scope).has(rules.serviceScope) || scopes(claims.scp).has(rules.serviceScope)) {
    return { kind: 'service', claims };
  }
  return { kind: 'user', userId, groups: [...grants(claims, rules.groupsClaim), ...rules.openGroups], claims };
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

/** What jose found wrong, without its message and causes: they may quote the token. */
function describeRefusal(refusal: unknown): string {
  if (refusal instanceof errors.JWTClaimValidationFailed) return `${refusal.code}: ${refusal.claim}`;
  return refusal instanceof errors.JOSEError ? refusal.code : 'the token is malformed';
}

/** One answer whatever the reason; the reason is the cause, for the log. It never quotes the token. */
function unauthenticated(reason: string): JoinError {
  return new JoinError('UNAUTHENTICATED', { cause: new Error(reason) });
}
