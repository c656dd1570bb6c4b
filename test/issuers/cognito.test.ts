import { beforeAll, describe, expect, it } from 'vitest';
import { doorOf, type IssuerKey, issuerKey, SERVICE, settingsOf, times, user } from './issuer-row.ts';

const values = { REGION: 'eu-west-1', POOL: 'eu-west-1_AbCdEf', USERS_CLIENT: '1users', BACKEND_CLIENT: '2backend' };
const [original, updated] = settingsOf('Amazon Cognito', values);

let key: IssuerKey;
beforeAll(async () => {
  key = await issuerKey('RS256', (jwk) => ({ ...jwk, alg: 'RS256', use: 'sig' }));
});

// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_IssuerConfigurationType.html
describe.each([
  ['cognito-idp', original],
  ['issuer-cognito-idp', updated],
])('Amazon Cognito at %s', (host, settings = {}) => {
  const iss = `https://${host}.eu-west-1.amazonaws.com/eu-west-1_AbCdEf`;
  const access = {
    sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    'cognito:groups': ['team-1'],
    iss,
    version: 2,
    client_id: '1users',
    origin_jti: 'o',
    event_id: 'e',
    token_use: 'access',
    scope: 'openid profile',
    auth_time: times.iat,
    jti: 'j',
    username: 'alice',
    ...times,
  };
  const backend = {
    ...access,
    sub: '2backend',
    client_id: '2backend',
    scope: 'joins/add',
    'cognito:groups': undefined,
  };
  const judge = async (claims: object) => {
    const door = doorOf(settings, `${iss}/.well-known/jwks.json`, { keys: [key.jwk] });
    return door(await key.sign(JSON.parse(JSON.stringify(claims))));
  };

  it('lets in users and backends of one pool, each by its own app client', async () => {
    expect(await judge(access)).toEqual(user(access.sub, 'team-1'));
    expect(await judge({ ...access, scope: 'aws.cognito.signin.user.admin' })).toEqual(user(access.sub, 'team-1'));
    expect(await judge(backend)).toEqual(SERVICE);
  });

  it("keeps a user a user, also if its app is given the backends' scope", async () => {
    expect(await judge({ ...access, scope: 'openid joins/add' })).toEqual(user(access.sub, 'team-1'));
  });

  it('takes a token that is bound to a resource by its aud', async () => {
    expect(await judge({ ...access, aud: '1users' })).toEqual(user(access.sub, 'team-1'));
    expect(await judge({ ...access, aud: 'https://other.example' })).toBe('the audience is another');
  });

  it('refuses id tokens, other app clients and other pools', async () => {
    const { client_id: _, scope: __, ...identity } = access;
    expect(await judge({ ...identity, token_use: 'id', aud: '1users' })).toBe('it is no access token');
    expect(await judge({ ...access, client_id: '3other' })).toBe('the audience is another');
    expect(await judge({ ...access, iss: `${iss}2` })).toBe('the issuer is another');
  });
});
