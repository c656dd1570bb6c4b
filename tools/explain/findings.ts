import { JoinError } from '../../lib/errors.ts';
import { readToken, signingKey } from '../../lib/identity/authenticate.ts';
import type { IssuerKeys } from '../../lib/identity/issuer-keys.ts';
import {
  audiencesOf,
  CLAIM_RULES,
  HEADER_RULES,
  type TokenRule,
  type TokenRules,
} from '../../lib/identity/token-rules.ts';

export type Token = ReturnType<typeof readToken>;
export type RuleName = keyof typeof HEADER_RULES | 'key' | keyof typeof CLAIM_RULES;

/** What a rule of the HTTP door found in a token, and the parameter that decides. `cause` says what is wrong. */
export interface Finding {
  rule: RuleName;
  found: string;
  parameter: string | undefined;
  cause: string | undefined;
}

interface Shown {
  reads: (token: Token) => unknown;
  parameter?: string;
}

/** What each rule reads, for people to see. It prints no other claim. */
const SHOWN: Readonly<Record<RuleName, Shown>> = {
  alg: { reads: ({ header }) => header.alg },
  crit: { reads: ({ header }) => header.crit },
  kid: { reads: ({ header }) => header.kid },
  typ: { reads: ({ header }) => header.typ },
  key: { reads: ({ header }) => header.kid, parameter: 'jwksUri or jwks' },
  iss: { reads: ({ claims }) => claims.iss, parameter: 'jwtIssuer' },
  token_use: { reads: ({ claims }) => claims.token_use },
  aud: {
    reads: ({ claims }) => audiencesOf(claims).filter((audience) => audience !== undefined),
    parameter: 'jwtAudience',
  },
  times: { reads: ({ claims: { iat, exp } }) => ({ iat, exp }) },
  exp: { reads: ({ claims }) => timeOf(claims.exp) },
  iat: { reads: ({ claims }) => timeOf(claims.iat) },
  nbf: { reads: ({ claims }) => timeOf(claims.nbf) },
  lifetime: { reads: ({ claims: { iat = 0, exp = 0 } }) => `${Math.round((exp - iat) / 60)} minutes` },
  cnf: { reads: ({ claims }) => ('cnf' in claims ? 'present' : undefined) },
  events: { reads: ({ claims }) => ('events' in claims ? 'present' : undefined) },
};

/** Of a token without times these rules would say what is not so. */
const NEED_TIMES: readonly RuleName[] = ['exp', 'iat', 'lifetime'];

/** Goes on where the door stops, at the first breach, so that all that is wrong is seen at once. */
export async function findingsOf(
  text: string,
  rules: TokenRules,
  keys: Pick<IssuerKeys, 'find' | 'findNewer'>,
  nowSeconds: number,
): Promise<Finding[]> {
  const token = readToken(text);
  const findings: Finding[] = [];
  const add = (rule: RuleName, cause: string | undefined): void => {
    const { reads, parameter } = SHOWN[rule];
    findings.push({ rule, found: shown(reads(token)), parameter, cause });
  };
  for (const [rule, { cause, isBroken }] of entriesOf(HEADER_RULES)) {
    add(rule, isBroken(token.header, rules, nowSeconds) ? cause : undefined);
  }
  add('key', await keyFault(text, token, keys));
  const hasTimes = !CLAIM_RULES.times.isBroken(token.claims);
  for (const [rule, { cause, isBroken }] of entriesOf(CLAIM_RULES)) {
    if (!hasTimes && NEED_TIMES.includes(rule)) continue;
    add(rule, isBroken(token.claims, rules, nowSeconds) ? cause : undefined);
  }
  return findings;
}

/** Why no key vouches for a token. */
async function keyFault(
  text: string,
  { header }: Token,
  keys: Pick<IssuerKeys, 'find' | 'findNewer'>,
): Promise<string | undefined> {
  try {
    await signingKey(text, header, keys);
    return undefined;
  } catch (error) {
    if (!(error instanceof JoinError)) throw error;
    const why = error.cause instanceof Error ? error.cause.message : '';
    return error.code === 'UNAUTHENTICATED' ? why : `the issuer's keys are out of reach: ${why}`;
  }
}

const MAX_SHOWN = 200;

/** A value as JSON, as short as a line, without what a terminal would obey. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '-');
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\uFFFD').slice(0, MAX_SHOWN);
}

function timeOf(seconds: unknown): unknown {
  return typeof seconds === 'number' && Math.abs(seconds) < 8e12 ? new Date(seconds * 1000).toISOString() : seconds;
}

function entriesOf<Key extends string, Part>(table: Record<Key, TokenRule<Part>>): [Key, TokenRule<Part>][] {
  return Object.entries(table) as [Key, TokenRule<Part>][];
}
