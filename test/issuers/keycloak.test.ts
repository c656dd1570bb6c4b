import { beforeAll, describe, expect, it } from 'vitest';
import { doorOf, type IssuerKey, issuerKey, SERVICE, settingsOf, times, user } from './issuer-row.ts';

const values = { HOST: 'id.acme.example', REALM: 'acme', AUDIENCE: 'joins', BACKEND_CLIENT: 'backend' };
const [settings = {}] = settingsOf('Keycloak', values);
const iss = 'https://id.acme.example/realms/acme';

let key: IssuerKey;
let encryption: IssuerKey;
beforeAll(async () => {
  key = await issuerKey('RS256', (jwk) => ({ ...jwk, alg: 'RS256', use: 'sig', x5c: ['MIIC'], x5t: 't' }));
  encryption = await issuerKey('RS256', (jwk) => ({ ...jwk, alg: 'RSA-OAEP', use: 'enc' }), 'key-2');
});

// https://github.com/keycloak/keycloak/blob/main/docs/documentation/server_admin/topics/clients/oidc/con-audience.adoc
describe('Keycloak', () => {
  const access = {
    ...times,
    auth_time: times.iat,
    jti: 'onrtac:1',
    iss,
    aud: ['joins', 'account'],
    sub: '8f0c9c05-2b7a-4c1d-9a53-1f0d3f0b7a11',
    typ: 'Bearer',
    azp: 'spa',
    sid: 's',
    realm_access: { roles: ['offline_access', 'default-roles-acme'] },
    resource_access: { account: { roles: ['manage-account'] } },
    scope: 'openid profile email',
    preferred_username: 'alice',
    groups: ['team-1'],
  };
  const { sid: _, auth_time: __, groups: ___, ...machine } = access;
  const backend = {
    ...machine,
    sub: 'd952cf23-bf92-4c8f-a3ff-4972b4f2bc5b',
    azp: 'backend',
    scope: 'profile email group:join',
    preferred_username: 'service-account-backend',
    client_id: 'backend',
    clientHost: '10.0.0.1',
    clientAddress: '10.0.0.1',
  };
  const alice = user(access.sub, 'team-1');
  const judge = async (claims: object, header = { typ: 'JWT' }) => {
    const door = doorOf(settings, `${iss}/protocol/openid-connect/certs`, { keys: [encryption.jwk, key.jwk] });
    return door(await key.sign({ ...claims }, header));
  };

  it('lets in users and service accounts', async () => {
    expect(await judge(access)).toEqual(alice);
    expect(await judge(backend)).toEqual(SERVICE);
    expect(await judge(access, { typ: 'at+jwt' })).toEqual(alice);
  });

  it("keeps a user a user, also if its app asked for the backends' scope", async () => {
    expect(await judge({ ...access, scope: 'openid group:join' })).toEqual(alice);
    expect(await judge({ ...access, realm_access: { roles: ['group:join'] } })).toEqual(alice);
  });

  it('refuses id tokens, and tokens without the audience mapper', async () => {
    expect(await judge({ ...access, typ: 'ID', aud: 'spa' })).toBe('the audience is another');
    for (const aud of ['account', undefined]) expect(await judge({ ...access, aud })).toBe('the audience is another');
  });
});
