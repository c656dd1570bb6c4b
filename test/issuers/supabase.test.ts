import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { doorOf, type IssuerKey, issuerKey, settingsOf, times, user } from './issuer-row.ts';

const [settings = {}] = settingsOf('Supabase', { PROJECT: 'abcdefghijklmnop' });
const iss = 'https://abcdefghijklmnop.supabase.co/auth/v1';

let key: IssuerKey;
beforeAll(async () => {
  key = await issuerKey('ES256', (jwk) => ({ ...jwk, alg: 'ES256', ext: true, key_ops: ['verify'] }));
});

// https://supabase.com/docs/guides/auth/jwt-fields and https://supabase.com/docs/guides/auth/signing-keys
describe('Supabase', () => {
  const access = {
    iss,
    sub: '8ccaa7af-909f-44e7-84cb-67cdccb56be6',
    aud: 'authenticated',
    ...times,
    email: 'alice@acme.example',
    phone: '',
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: { scope: 'group:join', groups: ['*'] },
    role: 'authenticated',
    aal: 'aal1',
    amr: [{ method: 'password', timestamp: times.iat }],
    session_id: 's',
    is_anonymous: false,
    groups: ['team-1'],
  };
  const alice = user(access.sub, 'team-1');
  const door = () => doorOf(settings, `${iss}/.well-known/jwks.json`, { keys: [key.jwk] });
  const judge = async (claims: object) => door()(await key.sign({ ...claims }, { typ: 'JWT' }));

  it('lets in users', async () => {
    expect(await judge(access)).toEqual(alice);
    expect(await judge({ ...access, is_anonymous: true })).toEqual(alice);
  });

  it('knows no backends, whatever a hook puts into a token', async () => {
    expect(await judge({ ...access, scope: 'group:join', client_id: 'app' })).toEqual(alice);
    expect(await judge({ ...access, scope: 'group:join' })).toEqual(alice);
  });

  it('refuses the keys of the project that are tokens, and tokens of the legacy secret', async () => {
    const legacy = (claims: object) => {
      const input = [{ alg: 'HS256', typ: 'JWT' }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      return `${input}.${createHmac('sha256', 'legacy').update(input).digest('base64url')}`;
    };
    const serviceRole = { iss: 'supabase', ref: 'abcdefghijklmnop', role: 'service_role', ...times };
    for (const claims of [serviceRole, access]) expect(await door()(legacy(claims))).toBe('the alg is not taken');
    expect(await judge(serviceRole)).toBe('the issuer is another');
  });
});
