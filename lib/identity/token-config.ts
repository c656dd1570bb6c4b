import { type EnvironmentReader, safeUrl } from '../environment.ts';
import { keySetFault } from './key-set-text.ts';
import type { TokenRules } from './token-rules.ts';

/** What makes a token good, and whose it is. */
export interface TokenConfig {
  tokens: TokenRules;
  /** The issuer's public keys: where they are, or the key set itself. */
  keySet: URL | string;
}

/** Reads what is said of tokens. */
export function tokenConfig(reader: EnvironmentReader): TokenConfig {
  const issuer = reader.required('JWT_ISSUER');
  const groupsClaim = reader.optional('JWT_GROUPS_CLAIM');
  return {
    keySet: keySet(reader, issuer),
    tokens: {
      issuer,
      audiences: audiences(reader),
      userClaim: reader.optional('JWT_USER_CLAIM') ?? 'sub',
      ...(groupsClaim !== undefined && { groupsClaim }),
      serviceScope: serviceScope(reader),
      ...serviceTokens(reader),
      openGroups: reader.list('OPEN_GROUPS'),
    },
  };
}

function keySet(reader: EnvironmentReader, issuer: string): URL | string {
  const text = reader.optional('JWKS');
  if (text === undefined) return keysUrl(reader, issuer);
  const fault = keySetFault(text);
  if (fault !== undefined) reader.problem(`JWKS ${fault}`);
  if (reader.optional('JWKS_URI') !== undefined) reader.problem('JWKS stands in place of JWKS_URI: set one of them');
  return text;
}

function keysUrl(reader: EnvironmentReader, issuer: string): URL {
  const explicit = reader.optional('JWKS_URI');
  if (issuer !== '' && !safeUrl(issuer)) reader.problem('JWT_ISSUER must be an https URL');
  const url = safeUrl(explicit ?? `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`);
  if (!url && explicit !== undefined) reader.problem('JWKS_URI must be an https URL');
  return url ?? new URL('https://invalid.invalid');
}

function serviceScope(reader: EnvironmentReader): string {
  const scope = reader.optional('JWT_SERVICE_SCOPE') ?? 'group:join';
  if (/\s/.test(scope)) reader.problem('JWT_SERVICE_SCOPE must be one scope');
  return scope;
}

function audiences(reader: EnvironmentReader): string[] {
  const listed = reader.list('JWT_AUDIENCE');
  if (listed.length === 0) reader.problem('JWT_AUDIENCE is missing');
  return listed;
}

const CLAIMS_OF_USERS = ['roles', 'permissions'];

function serviceTokens(reader: EnvironmentReader): Pick<TokenRules, 'serviceClaims' | 'serviceClients'> {
  const serviceClaims = reader.isSet('JWT_SERVICE_CLAIMS') ? reader.list('JWT_SERVICE_CLAIMS') : ['scope', 'scp'];
  const serviceClients = reader.list('JWT_SERVICE_CLIENTS');
  if (serviceClaims.length === 0) reader.problem('JWT_SERVICE_CLAIMS must name a claim');
  if (serviceClients.length === 0) {
    // Blanks or commas alone were meant to name clients: as none they would name all.
    if (reader.isSet('JWT_SERVICE_CLIENTS')) reader.problem('JWT_SERVICE_CLIENTS must name a client');
    else if (serviceClaims.some((claim) => CLAIMS_OF_USERS.includes(claim))) {
      reader.problem("JWT_SERVICE_CLIENTS is missing: users' tokens may hold roles and permissions too");
    }
  }
  return { serviceClaims, serviceClients };
}
