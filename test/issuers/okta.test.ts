import { beforeAll, describe, expect, it } from 'vitest';
import { doorOf, type IssuerKey, issuerKey, SERVICE, settingsOf, times, user } from './issuer-row.ts';

const values = { DOMAIN: 'acme.okta.com', SERVER: 'default', AUDIENCE: 'api://default', BACKEND_CLIENT: '0oabackend' };
const [settings = {}] = settingsOf('Okta', values);
const iss = 'https://acme.okta.com/oauth2/default';

let key: IssuerKey;
beforeAll(async () => {
  key = await issuerKey('RS256', (jwk) => ({ ...jwk, alg: 'RS256', use: 'sig' }));
});

// https://developer.okta.com/docs/concepts/auth-servers/
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
describe('Okta', () => {
  const access = {
    ver: 1,
    jti: 'AT.1',
    iss,
    aud: 'api://default',
    ...times,
    cid: '0oaspa',
    uid: '00ualice',
    scp: ['openid', 'profile'],
    auth_time: times.iat,
    sub: 'alice@acme.example',
    groups: ['team-1'],
  };
  const { uid: _, auth_time: __, groups: ___, ...machine } = access;
  const backend = { ...machine, cid: '0oabackend', sub: '0oabackend', scp: ['group:join'] };
  const judge = async (claims: object) =>
    doorOf(settings, `${iss}/v1/keys`, { keys: [key.jwk] })(await key.sign({ ...claims }));

  it('lets in users and backends', async () => {
    expect(await judge(access)).toEqual(user('00ualice', 'team-1'));
    expect(await judge(backend)).toEqual(SERVICE);
  });

  it("keeps a user a user, also if its app asked for the backends' scope", async () => {
    expect(await judge({ ...access, scp: ['openid', 'group:join'] })).toEqual(user('00ualice', 'team-1'));
  });

  it('makes nobody of a client that is not listed', async () => {
    expect(await judge({ ...backend, cid: '0oaother', sub: '0oaother' })).toBe(
      'the user claim is missing or no valid id',
    );
  });

  it('refuses id tokens, and access tokens of the org server', async () => {
    expect(await judge({ ...access, aud: '0oaspa', nonce: 'n' })).toBe('the audience is another');
    const org = 'https://acme.okta.com';
    expect(await judge({ ...access, iss: org, aud: org })).toBe('the issuer is another');
  });
});
