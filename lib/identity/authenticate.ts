import {
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  type JWTVerifyResult,
  jwtVerify,
  type ResolvedKey,
} from 'jose';
import type { Clock } from '../clock.ts';
import { JoinError } from '../errors.ts';
import { type Caller, type TokenRules, toCaller } from './caller.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { type VerifiedToken, VerifiedTokens } from './verified-tokens.ts';

const MAX_TOKEN_BYTES = 8192;
const MAX_LIFETIME_SECONDS = 24 * 60 * 60;
const TOLERANCE_SECONDS = 60;

export interface AuthenticatorOptions {
  rules: TokenRules;
  keys: Pick<IssuerKeys, 'find'>;
  clock: Pick<Clock, 'wall'>;
}

/** Turns an `Authorization` header into a Caller. Throws UNAUTHENTICATED or IDENTITY_UNAVAILABLE. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

export function createAuthenticator({ rules, keys, clock }: AuthenticatorOptions): Authenticate {
  const verifiedTokens = new VerifiedTokens();
  const findKey: IssuerKeys['find'] = (header, input) => {
    checkHeader(header);
    return keys.find(header, input);
  };
  return async (authorization) => {
    const token = bearerToken(authorization);
    const currentDate = new Date(clock.wall());
    const remembered = verifiedTokens.get(token);
    if (remembered && (await stillHas(keys, remembered))) {
      checkAgain(remembered.caller.claims, currentDate.getTime() / 1000);
      return remembered.caller;
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
    checkUse(payload);
    checkAudience(payload, rules.audience);
    const caller = toCaller(payload, rules);
    if (!caller) throw unauthenticated('the user claim is missing or no valid id');
    verifiedTokens.set(token, { header, key, caller });
    return caller;
  };
}

function bearerToken(authorization: string | undefined): string {
  // An event that somebody made by hand may hold anything.
  if (typeof authorization !== 'string') throw unauthenticated('no Authorization header');
  // Enough for the longest token and the scheme before it.
  if (authorization.length > 2 * MAX_TOKEN_BYTES) throw unauthenticated('the Authorization header is over 16 kB');
  // The characters of a JWT: anything else, a second header joined by a comma included, is no token.
  const match = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization);
  if (!match?.[1]) throw unauthenticated('the Authorization header holds no bearer token');
  if (match[1].length > MAX_TOKEN_BYTES) throw unauthenticated('the token is over 8 kB');
  return match[1];
}

/** Checked before a key is looked for, so that a header that can't pass causes no fetch. */
function checkHeader(header: JWTHeaderParameters): void {
  if (Object.hasOwn(header, 'crit')) throw unauthenticated('the header holds crit');
  if (header.kid !== undefined && typeof header.kid !== 'string') throw unauthenticated('the kid is no text');
  if (header.typ === undefined) return;
  const type = typeof header.typ === 'string' ? header.typ.toLowerCase() : '';
  if (!['jwt', 'at+jwt', 'application/at+jwt'].includes(type)) throw unauthenticated('the typ is foreign');
}

/** Whether the issuer still has the key that verified a token. Like every look at the keys, this may fetch them. */
async function stillHas(keys: Pick<IssuerKeys, 'find'>, { header, key }: VerifiedToken): Promise<boolean> {
  try {
    return (await keys.find(header)) === key;
  } catch (error) {
    if (error instanceof JoinError) throw error;
    return false;
  }
}

/** What can change after verification: time goes on, and a clock that is set right goes back. */
function checkAgain({ iat = 0, nbf = 0, exp = 0 }: JWTPayload, nowSeconds: number): void {
  if (exp <= nowSeconds - TOLERANCE_SECONDS) throw unauthenticated('ERR_JWT_EXPIRED');
  if (Math.max(iat, nbf) > nowSeconds + TOLERANCE_SECONDS) throw unauthenticated('iat or nbf is in the future');
}

function checkTimes({ iat, exp }: JWTPayload, nowSeconds: number): void {
  if (iat === undefined || exp === undefined) throw unauthenticated('iat or exp is missing');
  if (iat > nowSeconds + TOLERANCE_SECONDS) throw unauthenticated('iat is in the future');
  if (!(exp - iat <= MAX_LIFETIME_SECONDS)) throw unauthenticated('the lifetime is over 24 hours');
}

/** Cognito marks what a token is for: its id tokens are for the app, and are signed by the same keys. */
function checkUse(payload: JWTPayload): void {
  if (Object.hasOwn(payload, 'token_use') && payload.token_use !== 'access')
    throw unauthenticated('it is no access token');
}

/** Cognito's access tokens have no `aud`; their `client_id` stands for it. */
function checkAudience(payload: JWTPayload, expected: string): void {
  const { aud } = payload;
  const standIn = aud === undefined && payload.token_use === 'access' ? payload.client_id : aud;
  const holds = Array.isArray(standIn) ? standIn.includes(expected) : standIn === expected;
  if (!holds) throw unauthenticated('the audience is another');
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
