import type { TokenRules } from '../../lib/identity/caller.ts';
import { clientOf, hasServiceScope, isServiceClient } from '../../lib/identity/caller.ts';
import { audiencesOf } from '../../lib/identity/token-rules.ts';
import { type RuleName, shown, type Token } from './findings.ts';

/** What would mend a token that breaks a rule, where there is more to say than the cause says. */
export function hintFor(rule: RuleName, token: Token, rules: TokenRules): string {
  const { header, claims } = token;
  switch (rule) {
    case 'alg':
      return String(header.alg).startsWith('HS')
        ? 'It is signed with a shared secret (HS256). Let the issuer sign with a key pair.'
        : 'Let the issuer sign by RS256, PS256, ES256, ES384 or EdDSA.';
    case 'key':
      return claims.iss === rules.issuer
        ? 'Look whether jwksUri, or jwks, has the keys of this issuer.'
        : hintFor('iss', token, rules);
    case 'iss':
      return issuerHint(claims.iss, rules.issuer);
    case 'token_use':
      return 'This is an id token. Send the access token.';
    case 'aud':
      return audienceHint(token, rules);
    case 'typ':
      return 'Send the access token: its typ is absent, JWT or at+jwt.';
    case 'lifetime':
      return 'Let the issuer make tokens that live 24 hours at most.';
    case 'exp':
      return "Get a new token. If it is new, this machine's clock is wrong.";
    case 'iat':
    case 'nbf':
      return "Set the clock right: the issuer's, or this machine's.";
    case 'cnf':
      return 'Get a token that is bound to no key (no DPoP, no mTLS).';
    case 'events':
      return 'This is a logout token. Send the access token.';
    case 'crit':
    case 'kid':
    case 'times':
      return 'Let the issuer make another token.';
  }
}

function issuerHint(iss: unknown, issuer: string): string {
  if (typeof iss !== 'string') return 'The token names no issuer.';
  if (iss.startsWith('https://sts.windows.net/')) {
    return "This is a v1.0 token of Entra ID. Set requestedAccessTokenVersion to 2 in the API's manifest.";
  }
  if (iss === 'supabase') return "This is a key of the Supabase project, not a user's token. Send the user's.";
  if (iss.replace(/\/$/, '') === issuer.replace(/\/$/, '')) {
    return `It differs by a slash at the end. Set jwtIssuer to ${shown(iss)}`;
  }
  return `The token is from ${shown(iss)}, and jwtIssuer is ${issuer}`;
}

/** What id tokens hold and access tokens do not: OpenID Connect Core; Keycloak's `typ`. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash'];

function audienceHint({ claims }: Token, rules: TokenRules): string {
  if (ID_TOKEN_CLAIMS.some((name) => name in claims) || claims.typ === 'ID') {
    return 'This looks like an id token. Send the access token.';
  }
  if (claims.aud === undefined && claims.token_use !== 'access') {
    return 'The token has no aud. Let the issuer put one in.';
  }
  const set = shown(rules.audiences.join());
  return `It is for ${shown(audiencesOf(claims).join())}, and jwtAudience is ${set}. Is it for this API? Then add it.`;
}

/** What would make a user, or a service, of a good token that is neither. */
export function userHint({ claims }: Token, rules: TokenRules): string {
  const claim = Object.hasOwn(claims, rules.userClaim) ? shown(claims[rules.userClaim]) : 'missing';
  return `${rules.userClaim} is ${claim}: set jwtUserClaim. ${serviceHint({ claims }, rules)}`;
}

/** Why a token is no service's. */
export function serviceHint({ claims }: Pick<Token, 'claims'>, rules: TokenRules): string {
  if (!hasServiceScope(claims, rules)) {
    const names = rules.serviceClaims.join();
    return `It is no service: none of ${names} (jwtServiceClaims) holds ${rules.serviceScope} (jwtServiceScope).`;
  }
  const client = shown(clientOf(claims));
  return isServiceClient(claims, rules) ? '' : `It is no service: its client ${client} is not in jwtServiceClients.`;
}
