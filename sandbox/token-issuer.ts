import { Events, OAuth2Server } from 'oauth2-mock-server';
import { listen } from './http-server.ts';

/** What a token of the sandbox says. */
export interface TokenClaims {
  sub: string;
  scope?: string;
  groups?: string[];
  [claim: string]: unknown;
}

export interface TokenIssuer {
  url: string;
  jwksUrl: string;
  audience: string;
  /** Signs a token that is valid for an hour. */
  token(claims: TokenClaims): Promise<string>;
  close(): Promise<void>;
}

const AUDIENCE = 'rongcloud-group-join';

/**
 * A token issuer with real keys. Its token endpoint gives anyone any token that is asked for:
 * `POST /token` with `grant_type=client_credentials` and `sub`, `groups` (commas between) and `scope`.
 */
export async function startTokenIssuer(port: number): Promise<TokenIssuer> {
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  // Not by its own start, which would answer any web page.
  const { url, close } = await listen(port, server.service.requestHandler);
  server.issuer.url = url;
  server.service.on(Events.BeforeTokenSigning, (token, request) => {
    const asked: Record<string, unknown> = { ...request.body };
    Object.assign(token.payload, tokenClaims(asked));
  });
  return {
    url,
    jwksUrl: `${url}/jwks`,
    audience: AUDIENCE,
    token: (claims) =>
      server.issuer.buildToken({
        scopesOrTransform: (_header, payload) => Object.assign(payload, { aud: AUDIENCE, ...claims }),
      }),
    close,
  };
}

function tokenClaims(asked: Record<string, unknown>): Record<string, unknown> {
  return {
    aud: AUDIENCE,
    sub: String(asked.sub ?? 'alice'),
    ...(asked.scope !== undefined && { scope: asked.scope }),
    ...(typeof asked.groups === 'string' && { groups: asked.groups.split(',') }),
  };
}
