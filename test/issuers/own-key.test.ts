import { beforeAll, describe, expect, it } from 'vitest';
import { doorOf, type IssuerKey, issuerKey, SERVICE, settingsOf, times, user } from './issuer-row.ts';

describe.each(['ES256', 'RS256', 'EdDSA'])('an app that signs with a %s key of its own', (alg) => {
  let key: IssuerKey;
  let judge: (claims: object, signer?: IssuerKey) => Promise<unknown>;
  beforeAll(async () => {
    key = await issuerKey(alg, (jwk) => ({ ...jwk, alg, use: 'sig' }));
    const [settings = {}] = settingsOf('A key of your own', { KEY_SET: JSON.stringify({ keys: [key.jwk] }) });
    judge = async (claims, signer = key) => doorOf(settings, undefined, {})(await signer.sign({ ...claims }));
  });
  const access = { iss: 'my-app', aud: 'joins', sub: 'alice', groups: ['team-1'], ...times };
  const backend = { iss: 'my-app', aud: 'joins', client_id: 'backend', scope: 'group:join', ...times };

  it('lets in whom the app says, and fetches nothing', async () => {
    expect(await judge(access)).toEqual(user('alice', 'team-1'));
    expect(await judge(backend)).toEqual(SERVICE);
    expect(await judge({ ...access, scope: 'group:join' })).toEqual(user('alice', 'team-1'));
  });

  it('refuses what another key signed, or is for another', async () => {
    const stranger = await issuerKey(alg, (jwk) => jwk);
    expect(await judge(access, stranger)).toBe('the signature is not by a key of the issuer: tried 1');
    expect(await judge({ ...access, aud: 'other' })).toBe('the audience is another');
    expect(await judge({ ...access, iss: 'other' })).toBe('the issuer is another');
  });
});
