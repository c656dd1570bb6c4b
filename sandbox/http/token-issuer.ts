import { Events, OAuth2Server } from 'oauth2-mock-server';
import { applyFault, FaultSwitch } from './fault.ts';
import { listen } from './server.ts';

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
  /** Makes all that it answers by HTTP fail, its keys too. */
  fault: FaultSwitch;
  close(): Promise<void>;
}

const AUDIENCE = 'rongcloud-group-join';

/**
 * A token issuer with real keys. Its token endpoint gives anyone any token that is asked for:
 * `POST /token` with `grant_type=client_credentials` and `sub`, `groups` (commas between), `scope`, and `claims`, a JSON
 * object of any other claims.
 */
export async function startTokenIssuer(port: number): Promise<TokenIssuer> {
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  // Not by its own start, which would answer any web page.
  const fault = new FaultSwitch();
  const { url, close } = await listen(port, async (request, response) => {
    const how = fault.next();
    if (how && (await applyFault(how, response))) return;
    server.service.requestHandler(request, response);
  });
  server.issuer.url = url;
  server.service.on(Events.BeforeTokenSigning, (token, request) => {
    Object.assign(token.payload, tokenClaims({ ...request.body }));
  });
  server.service.on(Events.BeforeResponse, (response, request) => {
    if (claimsOf({ ...request.body }) !== undefined) return;
    response.statusCode = 400;
    response.body = { error: 'invalid_request', error_description: 'claims must be a JSON object.' };
  });
  return {
    url,
    jwksUrl: `${url}/jwks`,
    audience: AUDIENCE,
    token: (claims) =>
      server.issuer.buildToken({
        scopesOrTransform: (_header, payload) => Object.assign(payload, { aud: AUDIENCE, ...claims }),
      }),
    fault,
    close,
  };
}

function tokenClaims(asked: Record<string, unknown>): Record<string, unknown> {
  return {
    aud: AUDIENCE,
    sub: String(asked.sub ?? 'alice'),
    ...(asked.scope !== undefined && { scope: asked.scope }),
    ...(typeof asked.groups === 'string' && { groups: asked.groups.split(',') }),
    ...claimsOf(asked),
  };
}

/** The claims that a request asks for as JSON, which may replace any other; undefined if they are no JSON object. */
function claimsOf({ claims = '{}' }: Record<string, unknown>): object | undefined {
  try {
    const value: unknown = JSON.parse(String(claims));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
