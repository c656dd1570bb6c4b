import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTokenIssuer, type TokenIssuer } from '../../../sandbox/http/token-issuer.ts';

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer(0);
});
afterAll(() => issuer.close());

async function ask(form: Record<string, string>) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...form });
  const response = await fetch(`${issuer.url}/token`, { method: 'POST', body });
  return { status: response.status, json: Object(await response.json()) };
}
const claimsFor = async (form: Record<string, string>) => decodeJwt((await ask(form)).json.access_token);

describe('the token issuer', () => {
  it('gives a token of this issuer and audience to whoever asks', async () => {
    const claims = await claimsFor({});
    expect(claims).toMatchObject({ iss: issuer.url, aud: issuer.audience, sub: 'alice' });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(3600);
  });

  it('takes the user, groups and a scope from the form', async () => {
    const form = { sub: 'bob', groups: 'team-*,lobby', scope: 'group:join' };
    expect(await claimsFor(form)).toMatchObject({ sub: 'bob', groups: ['team-*', 'lobby'], scope: 'group:join' });
  });

  it('takes any claims as JSON, which win over the rest of the form', async () => {
    const any = { role: 'host', level: 7, admin: false, none: null, teams: ['a', 1], tenant: { id: 'acme' }, sub: 'u' };
    expect(await claimsFor({ sub: 'bob', scope: 'x', claims: JSON.stringify(any) })).toMatchObject({
      ...any,
      scope: 'x',
    });
    expect(await claimsFor({ claims: '{"aud":"another"}' })).toMatchObject({ aud: 'another' });
  });

  it.each(['{', '', '[]', 'null', '7', '"text"'])('refuses %j for claims, and gives no token', async (claims) => {
    expect(await ask({ claims })).toEqual({
      status: 400,
      json: { error: 'invalid_request', error_description: 'claims must be a JSON object.' },
    });
  });
});
