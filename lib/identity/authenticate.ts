import { KeyObject } from 'node:crypto';
import {
  type CryptoKey,
  compactVerify,
  decodeJwt,
  decodeProtectedHeader,
  type JWTHeaderParameters,
  type JWTPayload,
} from 'jose';
import type { Clock } from '../clock.ts';
import { JoinError } from '../errors.ts';
import { type Caller, toCaller } from './caller.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { CLAIM_RULES, firstBreach, HEADER_RULES, TIME_RULES, type TokenRules } from './token-rules.ts';
import { type VerifiedToken, VerifiedTokens } from './verified-tokens.ts';

const MAX_TOKEN_BYTES = 8192;

export interface AuthenticatorOptions {
  rules: TokenRules;
  keys: Pick<IssuerKeys, 'find' | 'findNewer'>;
  clock: Pick<Clock, 'wall'>;
}

/** Turns an `Authorization` header into a Caller. Throws UNAUTHENTICATED or IDENTITY_UNAVAILABLE. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

export function createAuthenticator({ rules, keys, clock }: AuthenticatorOptions): Authenticate {
  const verifiedTokens = new VerifiedTokens();
  const claimRules = Object.values(CLAIM_RULES);
  return async (authorization) => {
    const token = bearerToken(authorization);
    const nowSeconds = clock.wall() / 1000;
    const remembered = verifiedTokens.get(token);
    if (remembered && (await stillHas(keys, remembered))) {
      refuseIf(firstBreach(TIME_RULES, remembered.caller.claims, rules, nowSeconds));
      return remembered.caller;
    }
    const { header, claims } = readToken(token);
    refuseIf(firstBreach(Object.values(HEADER_RULES), header, rules, nowSeconds));
    const key = await signingKey(token, header, keys);
    refuseIf(firstBreach(claimRules, claims, rules, nowSeconds));
    const caller = toCaller(claims, rules);
    if (!caller) throw unauthenticated(CAUSES.user);
    verifiedTokens.set(token, { header, key, caller });
    return caller;
  };
}

/** The causes of a refusal besides those of the rules. */
export const CAUSES = {
  missing: 'no Authorization header',
  long: 'the Authorization header is over 16 kB',
  scheme: 'the Authorization header holds no bearer token',
  size: 'the token is over 8 kB',
  malformed: 'the token is malformed',
  key: 'no key of the issuer fits the header',
  signature: 'the signature is not by a key of the issuer',
  user: 'the user claim is missing or no valid id',
} as const;

export function bearerToken(authorization: unknown): string {
  // An event that somebody made by hand may hold anything.
  if (typeof authorization !== 'string') throw unauthenticated(CAUSES.missing);
  // Enough for the longest token and the scheme before it.
  if (authorization.length > 2 * MAX_TOKEN_BYTES) throw unauthenticated(CAUSES.long);
  // The characters of a JWT: anything else, a second header joined by a comma included, is no token.
  const match = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization);
  if (!match?.[1]) throw unauthenticated(CAUSES.scheme);
  if (match[1].length > MAX_TOKEN_BYTES) throw unauthenticated(CAUSES.size);
  return match[1];
}

/** What a token says, whoever made it. */
export function readToken(token: string): { header: JWTHeaderParameters; claims: JWTPayload } {
  try {
    const { alg = '', ...header } = decodeProtectedHeader(token);
    return { header: { ...header, alg }, claims: decodeJwt(token) };
  } catch {
    // Without jose's message and causes: they may quote the token.
    throw unauthenticated(CAUSES.malformed);
  }
}

/** The issuer's key that signed a token. A new key may share its id with an old one, or tokens may name none. */
export async function signingKey(
  token: string,
  header: JWTHeaderParameters,
  keys: Pick<IssuerKeys, 'find' | 'findNewer'>,
): Promise<CryptoKey> {
  const held = await keys.find(header);
  const signer = await signerAmong(held, token);
  if (signer) return signer;
  // A fetch gives the old keys anew. None is tried twice: a junk token must not cost more.
  const newer = (await keys.findNewer(header)).filter((key) => !held.some((other) => isSame(key, other)));
  const newSigner = await signerAmong(newer, token);
  if (newSigner) return newSigner;
  const tried = held.length + newer.length;
  throw unauthenticated(tried === 0 ? CAUSES.key : `${CAUSES.signature}: tried ${tried}`);
}

function isSame(key: CryptoKey, other: CryptoKey): boolean {
  return key === other || KeyObject.from(key).equals(KeyObject.from(other));
}

async function signerAmong(keys: readonly CryptoKey[], token: string): Promise<CryptoKey | undefined> {
  for (const key of keys) {
    const isSigner = await compactVerify(token, key).then(
      () => true,
      () => false,
    );
    if (isSigner) return key;
  }
  return undefined;
}

/** Whether the issuer still has the key that verified a token. Like every look at the keys, this may fetch them. */
async function stillHas(keys: Pick<IssuerKeys, 'find'>, { header, key }: VerifiedToken): Promise<boolean> {
  return (await keys.find(header)).includes(key);
}

function refuseIf(cause: string | undefined): void {
  if (cause !== undefined) throw unauthenticated(cause);
}

/** One answer whatever the reason; the reason is the cause, for the log. It never quotes the token. */
function unauthenticated(cause: string): JoinError {
  return new JoinError('UNAUTHENTICATED', { cause: new Error(cause) });
}
