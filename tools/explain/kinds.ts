import { CAUSES } from '../../lib/identity/authenticate.ts';
import type { Token } from './findings.ts';

type Claims = Token['claims'];

// What people send in place of an access token for this API.

/** Microsoft Graph, by its application id and its address. */
const GRAPH: readonly unknown[] = ['00000003-0000-0000-c000-000000000000', 'https://graph.microsoft.com'];
/** What id tokens hold and access tokens do not: OpenID Connect Core. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash'];

/** What a token is that can't be meant for this API, whatever is configured. */
export function otherKindHint({ iss, typ, aud }: Claims): string | undefined {
  if (iss === 'supabase') return PROJECT_KEY;
  // Keycloak's own claim, beside the header's.
  if (typ === 'Refresh' || typ === 'Offline') return 'This is a refresh token. Send the access token.';
  if ([aud].flat().some((one) => GRAPH.includes(one))) {
    return 'This token is for Microsoft Graph. Let the app ask Entra ID for a scope of this API.';
  }
  return undefined;
}

const PROJECT_KEY = "This is a key of the Supabase project, not a user's token. Send the user's.";

export function idTokenHint(claims: Claims): string | undefined {
  const isIdToken = ID_TOKEN_CLAIMS.some((name) => name in claims) || claims.typ === 'ID';
  return isIdToken ? 'This looks like an id token. Send the access token.' : undefined;
}

const TOO_LONG: readonly string[] = [CAUSES.long, CAUSES.size];

/** What was given where no token can be read. */
export function noTokenHint(given: string, cause: unknown): string {
  // RongCloud's user tokens end in the addresses of its navigation servers.
  if (/@[\w.-]+;/.test(given)) {
    return "This looks like RongCloud's own user token, which is for its SDKs. Send a token of your issuer, or sign one: npm run keys.";
  }
  if (given.trim() === '') return 'No token came on standard input.';
  if (/^sb_(publishable|secret)_/.test(given)) return PROJECT_KEY;
  if (cause instanceof Error && TOO_LONG.includes(cause.message))
    return 'Let the issuer put less into it, such as fewer groups or roles.';
  if (/^[\w-]+(\.[\w-]*){4}$/.test(given.trim())) {
    return 'It is encrypted: a refresh token, or an access token for the issuer itself. Let the app ask for one for this API.';
  }
  // The header and the claims of a JWT are JSON objects, which begin like this.
  if (given.includes('eyJ')) return 'Send exactly one whole token: no quotes, blanks, line breaks or header name.';
  return 'This is no JWT. Issuers give such tokens to apps that name no audience. Let the app ask for one for this API.';
}
