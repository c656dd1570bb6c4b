import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { exportJWK, type JWTPayload, SignJWT } from 'jose';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { createAuthenticator } from '../../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../../lib/identity/issuer-keys.ts';
import { describeCause } from '../../../lib/telemetry/error-description.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { AUDIENCE, goodClaims, keySet, RULES, type TestKey, testKey } from '../../helpers/tokens.ts';

const NOW = 1_800_000_000;

let key: TestKey;
let stranger: TestKey;
beforeAll(async () => {
  key = await testKey('k1');
  stranger = await testKey('k1');
});

const good = (): JWTPayload & { iat: number } => goodClaims(NOW);

function authenticator(keys = keySet(key)) {
  const fetch = vi.fn(async () => keys);
  const clock = clockOf(() => NOW * 1000);
  return {
    fetch,
    authenticate: createAuthenticator({ rules: RULES, keys: createIssuerKeys(fetch, clock), clock }),
  };
}

const bearer = async (claims: JWTPayload, header = {}) => `Bearer ${await key.sign(claims, header)}`;

async function refused(authorization: string | undefined, authenticate = authenticator().authenticate): Promise<void> {
  const error = await authenticate(authorization).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(JoinError);
  expect(error).toMatchObject({ code: 'UNAUTHENTICATED', message: 'A valid bearer token is required.' });
}

describe('createAuthenticator', () => {
  it('turns a good token into its user', async () => {
    const { authenticate } = authenticator();
    const claims = { ...good(), groups: ['team-*', 'g'] };
    expect(await authenticate(await bearer(claims))).toEqual({
      kind: 'user',
      userId: 'alice',
      groupPatterns: ['team-*', 'g'],
      claims,
    });
  });

  it.each(['PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'])('takes %s as well as RS256', async (alg) => {
    const other = await testKey('k2', alg);
    const { authenticate } = authenticator(keySet(key, other));
    expect(await authenticate(`Bearer ${await other.sign(good())}`)).toMatchObject({ userId: 'alice' });
    expect(await authenticate(await bearer(good()))).toMatchObject({ userId: 'alice' });
  });

  it('takes a key for the algorithm that it names, and for no other', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const token = await new SignJWT(good()).setProtectedHeader({ alg: 'PS256', kid: 'k1' }).sign(privateKey);
    const setFor = (alg: string) =>
      JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg }] });
    expect(await authenticator(setFor('PS256')).authenticate(`Bearer ${token}`)).toMatchObject({ userId: 'alice' });
    await refused(`Bearer ${token}`, authenticator(setFor('RS256')).authenticate);
  });

  it.each(['bearer ', 'BEARER ', 'Bearer  '])('takes the scheme "%s"', async (scheme) => {
    const token = await key.sign(good());
    expect(await authenticator().authenticate(`${scheme}${token}`)).toMatchObject({ userId: 'alice' });
  });

  it('takes a token that names no key if the issuer has just one', async () => {
    const { kid: _, ...bare } = key.jwk;
    const { authenticate } = authenticator(JSON.stringify({ keys: [bare] }));
    const header: object = { kid: undefined };
    expect(await authenticate(await bearer(good(), header))).toMatchObject({ userId: 'alice' });
  });

  it.each(['JWT', 'jwt', 'at+jwt', 'application/at+jwt', undefined])('takes the typ %s', async (typ) => {
    const header = typ === undefined ? { typ: undefined } : { typ };
    expect(await authenticator().authenticate(await bearer(good(), header as object))).toMatchObject({ kind: 'user' });
  });

  it.each(['logout+jwt', 'dpop+jwt', 'JWE', ''])('refuses the typ %s', async (typ) => {
    await refused(await bearer(good(), { typ }));
  });

  it.each([
    ['iss is another', { iss: 'https://issuer.example/' }],
    ['iss is missing', { iss: undefined }],
    ['aud is another', { aud: 'other' }],
    ['aud begins alike', { aud: `${AUDIENCE}2` }],
    ['aud is missing', { aud: undefined }],
    ['aud lists others', { aud: ['x', `${AUDIENCE}2`] }],
    ['client_id stands for aud without token_use', { aud: undefined, client_id: AUDIENCE }],
    ['client_id stands for aud in an id token', { aud: undefined, client_id: AUDIENCE, token_use: 'id' }],
    ['client_id is right but aud is another', { aud: 'other', client_id: AUDIENCE, token_use: 'access' }],
    ['client_id does not match', { aud: undefined, client_id: 'other', token_use: 'access' }],
    ['it is an id token', { token_use: 'id' }],
    ['token_use is no text', { token_use: null }],
    ['it has expired', { exp: NOW - 61 }],
    ['exp is missing', { exp: undefined }],
    ['exp is text', { exp: String(NOW + 60) as unknown as number }],
    ['iat is missing', { iat: undefined }],
    ['iat is in the future', { iat: NOW + 61 }],
    ['it is not yet valid', { nbf: NOW + 61 }],
    ['it lives longer than a day', { exp: NOW + 24 * 3600 + 1 }],
    ['it lives for ten years', { exp: NOW + 10 * 365 * 24 * 3600 }],
    ['nbf is no number', { nbf: String(NOW) as unknown as number }],
    ['it is bound to a key', { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }],
    ['it is bound to nothing that can be read', { cnf: null }],
    ['it is a logout token', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }],
    ['sub is missing', { sub: undefined }],
  ])('refuses a token when %s', async (_name, change) => {
    const claims = JSON.parse(JSON.stringify({ ...good(), ...change }));
    await refused(await bearer(claims));
  });

  it.each([
    ['exp is 59 s ago', { iat: NOW - 100, exp: NOW - 59 }],
    ['iat is 60 s ahead', { iat: NOW + 60 }],
    ['nbf is 60 s ahead', { nbf: NOW + 60 }],
    ['it lives exactly a day', { exp: NOW + 24 * 3600 }],
    ['aud is one of a list', { aud: ['x', AUDIENCE] }],
    ['client_id stands for aud in an access token', { aud: undefined, client_id: AUDIENCE, token_use: 'access' }],
    ['token_use is access', { token_use: 'access' }],
  ])('takes a token when %s', async (_name, change) => {
    const claims = JSON.parse(JSON.stringify({ ...good(), ...change }));
    expect(await authenticator().authenticate(await bearer(claims))).toMatchObject({ kind: 'user' });
  });

  it('refuses an endless exp', async () => {
    const payload = JSON.stringify(good()).replace(/"exp":\d+/, '"exp":1e400');
    await refused(
      `Bearer ${await rawToken({ alg: 'RS256', kid: 'k1' }, Buffer.from(payload))}`,
      await rawAuthenticator(),
    );
    const whole = Buffer.from(JSON.stringify(good()));
    const token = await rawToken({ alg: 'RS256', kid: 'k1' }, whole);
    expect(await (await rawAuthenticator())(`Bearer ${token}`)).toMatchObject({ userId: 'alice' });
  });

  it('refuses a payload that is not UTF-8', async () => {
    const payload = Buffer.from(JSON.stringify({ ...good(), sub: 'al#ce' }));
    payload[payload.indexOf('#')] = 0xff;
    await refused(`Bearer ${await rawToken({ alg: 'RS256', kid: 'k1' }, payload)}`, await rawAuthenticator());
  });

  it.each([
    ['crit', { crit: ['exp'], exp: 1 }],
    ['crit with b64', { crit: ['b64'], b64: true }],
    ['a list for a kid', { kid: ['k1'] }],
    ['a number for a kid', { kid: 1 }],
    ['a list for a typ', { typ: ['JWT'] }],
    ['alg none', { alg: 'none' }],
    ['alg PS256', { alg: 'PS256' }],
    ['alg RS512', { alg: 'RS512' }],
    ['a list for an alg', { alg: ['RS256'] }],
  ])('refuses a header with %s', async (_name, header) => {
    const token = await rawToken({ alg: 'RS256', kid: 'k1', ...header }, Buffer.from(JSON.stringify(good())));
    await refused(`Bearer ${token}`, await rawAuthenticator());
  });

  it.each(['../../k1', "k1' OR '1'='1", '__proto__', 'constructor', ''])('refuses the unknown kid %s', async (kid) => {
    await refused(await bearer(good(), { kid }));
  });

  it('fetches nothing for a token that no key could save', async () => {
    const { authenticate, fetch } = authenticator();
    for (const header of [{ typ: 'x' }, { kid: 7 as unknown as string }, { crit: [] }, { alg: 'none' }]) {
      const parts = [{ alg: 'RS256', kid: 'k1', ...header }, good()].map((part) =>
        Buffer.from(JSON.stringify(part)).toString('base64url'),
      );
      await refused(`Bearer ${parts.join('.')}.AAAA`, authenticate);
    }
    expect(fetch).not.toHaveBeenCalled();
  });

  it('refuses a token that is signed with the public key as an HMAC secret', async () => {
    const head = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'k1' })).toString('base64url');
    const body = Buffer.from(JSON.stringify(good())).toString('base64url');
    const mac = createHmac('sha256', JSON.stringify(key.jwk)).update(`${head}.${body}`).digest('base64url');
    await refused(`Bearer ${head}.${body}.${mac}`);
  });

  it.each([
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'EdDSA'],
  ])('takes %s by a key that the issuer calls %s', async (alg, named) => {
    const other = await testKey('k2', alg);
    const { authenticate } = authenticator(JSON.stringify({ keys: [{ ...other.jwk, alg: named }] }));
    expect(await authenticate(`Bearer ${await other.sign(good())}`)).toMatchObject({ userId: 'alice' });
  });

  it('takes a token by any of the keys that share its id, also of another algorithm', async () => {
    const twins = [stranger, key, await testKey('k1', 'ES256')];
    for (const keys of [twins, twins.toReversed()]) {
      for (const twin of twins) {
        const { authenticate } = authenticator(keySet(...keys));
        expect(await authenticate(`Bearer ${await twin.sign(good())}`)).toMatchObject({ userId: 'alice' });
      }
    }
  });

  it('takes a token that names no key by any key of the issuer', async () => {
    const { authenticate } = authenticator(keySet(await testKey('k0'), key));
    const token = await bearer(good(), { kid: undefined });
    expect(await authenticate(token)).toMatchObject({ userId: 'alice' });
    expect(await authenticate(token)).toMatchObject({ userId: 'alice' });
  });

  it.each([
    ['that names its key', {}, 8],
    ['that names no key', { kid: undefined }, 4],
  ])('tries a token %s with no more than %j %i keys', async (_name, header, most) => {
    const strangers = await Promise.all(Array.from({ length: most }, () => testKey('k1')));
    const cause = { message: `the signature is not by a key of the issuer: tried ${most}` };
    const last = authenticator(keySet(...strangers, key)).authenticate;
    await expect(last(await bearer(good(), header))).rejects.toMatchObject({ cause });
    const inTime = authenticator(keySet(...strangers.slice(1), key)).authenticate;
    expect(await inTime(await bearer(good(), header))).toMatchObject({ userId: 'alice' });
  });

  it('takes a token for one of several audiences, also of the client that stands for it', async () => {
    const clock = clockOf(() => NOW * 1000);
    const keys = createIssuerKeys(async () => keySet(key), clock);
    const authenticate = createAuthenticator({ rules: { ...RULES, audiences: ['app', 'backend'] }, keys, clock });
    for (const claims of [
      { aud: 'app' },
      { aud: ['x', 'backend'] },
      { aud: undefined, token_use: 'access', client_id: 'backend' },
    ]) {
      const token = await bearer(JSON.parse(JSON.stringify({ ...good(), ...claims })));
      expect(await authenticate(token)).toMatchObject({ userId: 'alice' });
    }
    for (const aud of ['app,backend', 'api', undefined, '', ['appbackend']]) {
      await refused(await bearer(JSON.parse(JSON.stringify({ ...good(), aud }))), authenticate);
    }
  });

  it('takes a token without a user claim from a service', async () => {
    const { sub: _, ...claims } = good();
    const { authenticate } = authenticator();
    expect(await authenticate(await bearer({ ...claims, scope: 'group:join' }))).toMatchObject({ kind: 'service' });
    await refused(await bearer(claims), authenticate);
  });

  it("refuses another's signature under a known kid, and an altered token", async () => {
    await refused(`Bearer ${await stranger.sign(good())}`);
    const [head, , signature] = (await key.sign(good())).split('.');
    const forged = Buffer.from(JSON.stringify({ ...good(), sub: 'admin' })).toString('base64url');
    await refused(`Bearer ${head}.${forged}.${signature}`);
  });

  it.each([
    ['nothing', undefined],
    ['empty text', ''],
    ['no scheme', 'abc.def.ghi'],
    ['another scheme', 'Basic YTpi'],
    ['no token', 'Bearer '],
    ['two parts', 'Bearer abc.def'],
    ['four parts', 'Bearer a.b.c.d'],
    ['junk', 'Bearer \u{1F600}.b.c'],
  ])('refuses %s for an Authorization header', async (_name, authorization) => {
    await refused(authorization);
  });

  it('refuses two tokens in one header', async () => {
    const one = await bearer(good());
    await refused(`${one},${one}`);
    await refused(`${one}, ${one}`);
    await refused(`${one} ${one}`);
  });

  it.each([
    [8192, true],
    [8193, false],
  ])('takes a token of %i bytes: %s', async (size, taken) => {
    // The payload grows until the token has the size; a header claim makes up for base64's steps of 3 bytes.
    const tokens = new Map<number, string>();
    const plain = (await key.sign({ ...good(), filler: '' })).length;
    for (let filler = Math.floor(((size - plain) * 3) / 4) - 40; !tokens.has(size) && filler < size; filler++) {
      for (const pad of ['', 'x', 'xx', 'xxx']) {
        const token = await key.sign({ ...good(), filler: 'f'.repeat(filler) }, { pad });
        tokens.set(token.length, token);
      }
    }
    const authorization = `Bearer ${tokens.get(size)}`;
    expect(authorization).toHaveLength(size + 7);
    if (taken) expect(await authenticator().authenticate(authorization)).toMatchObject({ kind: 'user' });
    else await refused(authorization);
  });

  it('quotes nothing of a token in the reason that is logged', async () => {
    const part = (text: string) => Buffer.from(text).toString('base64url');
    for (const token of [
      `${part('planted-header')}.x.y`,
      `${part('{"alg":"RS256","kid":"k1"}')}.${part('planted-payload')}.y`,
      await key.sign({ ...good(), aud: 'planted-audience' }),
    ]) {
      const error = await authenticator()
        .authenticate(`Bearer ${token}`)
        .catch((thrown: unknown) => thrown);
      expect(describeCause((error as JoinError).cause)).not.toContain('planted');
    }
  });

  it('says IDENTITY_UNAVAILABLE when no key can be had', async () => {
    const { authenticate } = authenticator('<html>');
    await expect(authenticate(await bearer(good()))).rejects.toMatchObject({ code: 'IDENTITY_UNAVAILABLE' });
  });
});

// Tokens whose bytes jose would not sign.
const raw = generateKeyPairSync('rsa', { modulusLength: 2048 });

function rawToken(header: object, payload: Buffer): string {
  const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload.toString('base64url')}`;
  return `${input}.${signBytes('sha256', Buffer.from(input), raw.privateKey).toString('base64url')}`;
}

async function rawAuthenticator() {
  const jwk = { ...(await exportJWK(raw.publicKey)), kid: 'k1' };
  return authenticator(JSON.stringify({ keys: [jwk] })).authenticate;
}
