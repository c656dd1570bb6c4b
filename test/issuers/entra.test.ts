import { beforeAll, describe, expect, it } from 'vitest';
import { doorOf, type IssuerKey, issuerKey, SERVICE, settingsOf, times, user } from './issuer-row.ts';

const TENANT = '11111111-aaaa-4aaa-8aaa-111111111111';
const API = '22222222-bbbb-4bbb-8bbb-222222222222';
const BACKEND = '33333333-cccc-4ccc-8ccc-333333333333';
const [settings = {}] = settingsOf('Entra ID', { TENANT, API_CLIENT: API, BACKEND_CLIENT: BACKEND });
const iss = `https://login.microsoftonline.com/${TENANT}/v2.0`;

let key: IssuerKey;
beforeAll(async () => {
  // No alg, as Microsoft publishes them.
  key = await issuerKey('RS256', (jwk) => ({ ...jwk, use: 'sig', x5t: 't', x5c: ['MIIC'], issuer: iss }));
});

// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
describe('Entra ID', () => {
  const common = { iss, aud: API, ...times, nbf: times.iat, aio: 'a', rh: 'r', tid: TENANT, uti: 'u', ver: '2.0' };
  const delegated = {
    ...common,
    azp: 'spa',
    azpacr: '0',
    name: 'Alice',
    oid: '44444444-dddd-4ddd-8ddd-444444444444',
    preferred_username: 'alice@acme.example',
    scp: 'Joins.Use',
    sub: 'pairwise',
  };
  const appOnly = {
    ...common,
    azp: BACKEND,
    azpacr: '1',
    oid: '55555555-eeee-4eee-8eee-555555555555',
    roles: ['Groups.Join'],
    sub: '55555555-eeee-4eee-8eee-555555555555',
  };
  const alice = user(delegated.oid);
  const judge = async (claims: object) => {
    const keysUrl = `https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys`;
    return doorOf(settings, keysUrl, { keys: [key.jwk] })(await key.sign({ ...claims }, { typ: 'JWT' }));
  };

  it('lets in users, and applications with the role', async () => {
    expect(await judge(delegated)).toEqual(alice);
    expect(await judge(appOnly)).toEqual(SERVICE);
    expect(await judge({ ...appOnly, idtyp: 'app' })).toEqual(SERVICE);
  });

  it('keeps a user a user, whatever its roles and scopes', async () => {
    expect(await judge({ ...delegated, roles: ['Groups.Join'] })).toEqual(alice);
    expect(await judge({ ...delegated, scp: 'Groups.Join' })).toEqual(alice);
  });

  it('makes no backend of an application that is not listed, or has no role', async () => {
    expect(await judge({ ...appOnly, azp: 'other' })).toEqual(user(appOnly.oid));
    expect(await judge({ ...appOnly, roles: undefined })).toEqual(user(appOnly.oid));
  });

  it('refuses id tokens, other APIs and v1.0 tokens', async () => {
    expect(await judge({ ...delegated, aud: 'spa', nonce: 'n' })).toBe('the audience is another');
    expect(await judge({ ...delegated, aud: `api://${API}` })).toBe('the audience is another');
    const { azp: _, azpacr: __, ...v1 } = delegated;
    const old = { ...v1, iss: `https://sts.windows.net/${TENANT}/`, ver: '1.0', appid: 'spa', appidacr: '0' };
    expect(await judge(old)).toBe('the issuer is another');
  });
});
