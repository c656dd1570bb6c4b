import type { JWTHeaderParameters, JWTPayload } from 'jose';

/** What the configuration says of tokens. */
export interface TokenRules {
  issuer: string;
  /** A token is for one of them. */
  audiences: readonly unknown[];
  /** The claim that holds the user id. */
  userClaim: string;
  /** The claim that lists the groups a user may join. */
  groupsClaim?: string;
  /** The scope that makes a token a service's. */
  serviceScope: string;
  /** The claims that may hold that scope. */
  serviceClaims: readonly string[];
  /** The clients whose tokens it makes a service's: any client's if there are none. */
  serviceClients: readonly unknown[];
  /** Groups open to every user, in the form of `UserCaller.groupPatterns`. */
  openGroups: readonly string[];
}

/** RFC 9864 gave `EdDSA` with the curve Ed25519 the name `Ed25519`. Both are in use. */
export const ALGORITHMS: readonly unknown[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];
const TYPES: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];
const MAX_LIFETIME_SECONDS = 24 * 60 * 60;
const TOLERANCE_SECONDS = 60;

/** A rule of tokens: the cause that the log has for a breach, which never quotes the token, and whether there is one. */
export interface TokenRule<Part> {
  readonly cause: string;
  isBroken(part: Part, rules: TokenRules, nowSeconds: number): boolean;
}

/** In the order in which they are checked, before a key is looked for: a header that can't pass causes no fetch. */
export const HEADER_RULES = {
  alg: { cause: 'the alg is not taken', isBroken: ({ alg }) => !ALGORITHMS.includes(alg) },
  crit: { cause: 'the header holds crit', isBroken: (header) => Object.hasOwn(header, 'crit') },
  kid: { cause: 'the kid is no text', isBroken: ({ kid }) => kid !== undefined && typeof kid !== 'string' },
  typ: {
    cause: 'the typ is foreign',
    isBroken: ({ typ }) => !TYPES.includes(typeof typ === 'string' ? typ.toLowerCase() : typ),
  },
} as const satisfies Record<string, TokenRule<JWTHeaderParameters>>;

/** In the order in which they are checked, once the signature is good. */
export const CLAIM_RULES = {
  iss: { cause: 'the issuer is another', isBroken: ({ iss }, { issuer }) => iss !== issuer },
  // Cognito marks what a token is for. Its id tokens are for the app.
  token_use: {
    cause: 'it is no access token',
    isBroken: (claims) => Object.hasOwn(claims, 'token_use') && claims.token_use !== 'access',
  },
  aud: {
    cause: 'the audience is another',
    isBroken: (claims, { audiences }) => !audiencesOf(claims).some((audience) => audiences.includes(audience)),
  },
  times: {
    cause: 'iat or exp is missing',
    isBroken: ({ iat, exp }) => typeof iat !== 'number' || typeof exp !== 'number',
  },
  exp: {
    cause: 'the token has expired',
    isBroken: ({ exp = 0 }, _rules, nowSeconds) => exp <= nowSeconds - TOLERANCE_SECONDS,
  },
  iat: {
    cause: 'iat is in the future',
    isBroken: ({ iat = 0 }, _rules, nowSeconds) => iat > nowSeconds + TOLERANCE_SECONDS,
  },
  nbf: {
    cause: 'nbf is in the future, or no number',
    isBroken: ({ nbf = 0 }, _rules, nowSeconds) => typeof nbf !== 'number' || nbf > nowSeconds + TOLERANCE_SECONDS,
  },
  lifetime: {
    cause: 'the lifetime is over 24 hours',
    isBroken: ({ iat = 0, exp = 0 }) => !(exp - iat <= MAX_LIFETIME_SECONDS),
  },
  // RFC 7800: its sender has to prove that it holds the key, and nothing here asks for that.
  cnf: { cause: 'the token is bound to a key', isBroken: (claims) => Object.hasOwn(claims, 'cnf') },
  // OpenID Connect Back-Channel Logout.
  events: { cause: 'it is a logout token', isBroken: (claims) => Object.hasOwn(claims, 'events') },
} as const satisfies Record<string, TokenRule<JWTPayload>>;

/** These rules may be broken after verification too: time passes, and a wrong clock may be set back. */
export const TIME_RULES = [CLAIM_RULES.exp, CLAIM_RULES.iat, CLAIM_RULES.nbf];

/** Whom a token is for. Cognito's access tokens have no `aud`; their `client_id` stands for it. */
export function audiencesOf({ aud, token_use, client_id }: JWTPayload): unknown[] {
  if (aud === undefined && token_use === 'access') return [client_id];
  return Array.isArray(aud) ? aud : [aud];
}

/** The cause of the first rule that something breaks; undefined if it breaks none. */
export function firstBreach<Part>(
  rules: readonly TokenRule<Part>[],
  ...args: Parameters<TokenRule<Part>['isBroken']>
): string | undefined {
  return rules.find((rule) => rule.isBroken(...args))?.cause;
}
