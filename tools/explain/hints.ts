import { clientOf, hasServiceScope, isServiceClient } from '../../lib/identity/caller.ts';
import { audiencesOf, type TokenRules } from '../../lib/identity/token-rules.ts';
import { type RuleName, shown, type Token } from './findings.ts';
import { idTokenHint, otherKindHint } from './kinds.ts';

/** Later than any time in seconds: the year 5138. */
const MILLISECONDS = 1e11;

/** What would mend a token that breaks a rule, where there is more to say than the cause says. */
export function hintFor(rule: RuleName, token: Token, rules: TokenRules, keyIds: ReadonlySet<unknown>): string {
  const { header, claims } = token;
  switch (rule) {
    case 'alg':
      return otherKindHint(claims) ?? idTokenHint(claims) ?? algorithmHint(header.alg);
    case 'key':
      return claims.iss === rules.issuer ? keyHint(header, keyIds) : hintFor('iss', token, rules, keyIds);
    case 'iss':
      return otherKindHint(claims) ?? issuerHint(claims.iss, rules.issuer);
    case 'token_use':
      return 'This is an id token. Send the access token.';
    case 'aud':
      return otherKindHint(claims) ?? idTokenHint(claims) ?? audienceHint(token, rules);
    case 'typ':
      return 'Send the access token: its typ is absent, JWT or at+jwt.';
    case 'times':
      return 'Let the issuer put both in, as numbers of seconds since 1970.';
    case 'lifetime':
      return 'Let the issuer make tokens that live 24 hours at most.';
    case 'exp':
      return "Get a new token. If it is new, this machine's clock is wrong.";
    case 'iat':
    case 'nbf':
      return Number(claims[rule]) > MILLISECONDS
        ? 'Its times are in milliseconds. Let the issuer put in seconds.'
        : "Set the clock right: the issuer's, or this machine's.";
    case 'cnf':
      return 'Get a token that is bound to no key (no DPoP, no mTLS).';
    case 'events':
      return 'This is a logout token. Send the access token.';
    case 'crit':
    case 'kid':
      return 'Let the issuer make another token.';
  }
}

function algorithmHint(alg: unknown): string {
  return String(alg).startsWith('HS')
    ? `It is signed with a shared secret (${shown(alg)}). Let the issuer sign with a key pair.`
    : 'Let the issuer sign by RS256, PS256, ES256, ES384 or EdDSA.';
}

/** `keyIds` are those that the issuer's keys have, undefined for keys that have none. */
function keyHint({ alg, kid }: Token['header'], keyIds: ReadonlySet<unknown>): string {
  if (kid === undefined || keyIds.has(kid)) {
    const form = alg.startsWith('ES') ? ' The signature has to be r and s, not DER.' : '';
    return `Look whether the token is whole, and whether jwksUri, or jwks, has the keys of this issuer.${form}`;
  }
  const named = `The token's kid is ${shown(kid)}.`;
  const ids = [...keyIds].filter((id) => id !== undefined);
  if (keyIds.has(undefined)) return `${named} Leave it out, or put it into the key of the issuer, which has none.`;
  return `${named} The keys have ${shown(ids.join()) || 'no signing key'}. Look whether jwksUri, or jwks, is of this issuer.`;
}

function issuerHint(iss: unknown, issuer: string): string {
  if (typeof iss !== 'string') return 'The token names no issuer.';
  if (iss.startsWith('https://sts.windows.net/')) {
    return "This is a v1.0 token of Entra ID. Set requestedAccessTokenVersion to 2 in the API's manifest.";
  }
  if (iss.replace(/\/$/, '') === issuer.replace(/\/$/, '')) {
    return `It differs by a slash at the end. Set jwtIssuer to ${shown(iss)}`;
  }
  return `The token is from ${shown(iss)} and not from ${issuer} (jwtIssuer). Get one from the issuer that is set, or set the other.`;
}

function audienceHint({ claims }: Token, rules: TokenRules): string {
  if (claims.aud === undefined && claims.token_use !== 'access') {
    return 'The token has no aud. Let the issuer put one in.';
  }
  const set = shown(rules.audiences.join());
  const own = shown(audiencesOf(claims).join());
  return `It is for ${own} and not for ${set} (jwtAudience). Get one for what is set, or add ${own} if it means this API.`;
}

/** What would make a user, or a service, of a good token that is neither. */
export function userHint({ claims }: Token, rules: TokenRules): string {
  const { userClaim } = rules;
  const claim = Object.hasOwn(claims, userClaim) ? shown(JSON.stringify(claims[userClaim])) : 'missing';
  // https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
  const scope = userClaim === 'oid' ? ', as Entra ID does for the scope profile' : '';
  const user = `${userClaim} is ${claim}: let the issuer put the user's id there${scope}, or set jwtUserClaim.`;
  const service = serviceHint({ claims }, rules);
  return hasServiceScope(claims, rules) ? `${service} For a user's token, ${user}` : `${user} ${service}`;
}

/** Why a token is no service's. */
export function serviceHint({ claims }: Pick<Token, 'claims'>, rules: TokenRules): string {
  if (!hasServiceScope(claims, rules)) {
    const names = rules.serviceClaims.join();
    return `It is no service: none of ${names} (jwtServiceClaims) holds ${rules.serviceScope} (jwtServiceScope).`;
  }
  if (isServiceClient(claims, rules)) return '';
  const client = clientOf(claims);
  return `It is no service: ${client === undefined ? 'it names no client of' : `its client ${shown(client)} is not in`} jwtServiceClients.`;
}
