import { beforeAll, describe, expect, it } from 'vitest';
import { doorOf, type IssuerKey, issuerKey, SERVICE, settingsOf, times, user } from './issuer-row.ts';

const values = { TENANT: 'acme.eu', API_IDENTIFIER: 'https://joins.example', BACKEND_CLIENT: 'b4ck3nd' };
const [settings = {}] = settingsOf('Auth0', values);
const iss = 'https://acme.eu.auth0.com/';

let key: IssuerKey;
beforeAll(async () => {
  key = await issuerKey('RS256', (jwk) => ({ ...jwk, use: 'sig', x5t: 't', x5c: ['MIIC'], alg: 'RS256' }));
});

// https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
// https://auth0.com/docs/get-started/apis/enable-role-based-access-control-for-apis
describe.each([
  ['default', 'azp', { typ: 'JWT' }],
  ['RFC 9068', 'client_id', { typ: 'at+jwt' }],
])('Auth0, with tokens of its %s profile', (_profile, clientClaim, header) => {
  const access = {
    iss,
    sub: 'auth0|6457a1e1',
    aud: ['https://joins.example', `${iss}userinfo`],
    ...times,
    scope: 'openid profile',
    'https://app.example/groups': ['team-*'],
    [clientClaim]: 'spa',
    jti: 'j',
  };
  const backend = {
    iss,
    sub: 'b4ck3nd@clients',
    aud: 'https://joins.example',
    ...times,
    scope: 'group:join',
    gty: 'client-credentials',
    [clientClaim]: 'b4ck3nd',
  };
  const alice = user('auth0|6457a1e1', 'team-*');
  const judge = async (claims: object) => {
    const door = doorOf(settings, `${iss}.well-known/jwks.json`, { keys: [key.jwk] });
    return door(await key.sign({ ...claims }, header));
  };

  it('lets in users and backends, with RBAC and without', async () => {
    expect(await judge(access)).toEqual(alice);
    expect(await judge(backend)).toEqual(SERVICE);
    expect(await judge({ ...access, permissions: [] })).toEqual(alice);
    expect(await judge({ ...backend, permissions: ['group:join'] })).toEqual(SERVICE);
    const { scope: _, ...unscoped } = backend;
    expect(await judge({ ...unscoped, permissions: ['group:join'] })).toEqual(SERVICE);
  });

  it("keeps a user a user, also if its app asked for the backends' scope or it has the permission", async () => {
    expect(await judge({ ...access, scope: 'openid group:join' })).toEqual(alice);
    expect(await judge({ ...access, permissions: ['group:join'] })).toEqual(alice);
  });

  it('refuses id tokens and tokens for other APIs', async () => {
    expect(await judge({ ...access, aud: 'spa', nonce: 'n' })).toBe('the audience is another');
    expect(await judge({ ...access, aud: 'https://other.example' })).toBe('the audience is another');
    expect(await judge({ ...access, iss: iss.slice(0, -1) })).toBe('the issuer is another');
  });
});
