import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../../lib/identity/issuer-keys.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { goodClaims, keySet, RULES, type TestKey, testKey } from '../../helpers/tokens.ts';

const NOW = 1_800_000_000;
let key: TestKey;
let bearer: (claims?: object, header?: object) => Promise<string>;
beforeAll(async () => {
  key = await testKey('k1');
  bearer = async (claims = {}, header = {}) =>
    `Bearer ${await key.sign(JSON.parse(JSON.stringify({ ...goodClaims(NOW), ...claims })), header)}`;
});

async function reasonFor(authorization: string | undefined): Promise<string> {
  const clock = clockOf(() => NOW * 1000);
  const keys = createIssuerKeys(async () => keySet(key), clock);
  const error = await createAuthenticator({ rules: RULES, keys, clock })(authorization).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'UNAUTHENTICATED', cause: expect.any(Error) });
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
}

// Callers get one answer whatever the reason; who reads the logs needs to know it.
describe('the reason of a refusal, for the log', () => {
  it.each([
    ['no Authorization header', undefined],
    ['no Authorization header', JSON.parse('null')],
    ['no Authorization header', JSON.parse('["Bearer a.b.c"]')],
    ['the Authorization header holds no bearer token', 'Basic YTpi'],
    ['the Authorization header holds no bearer token', 'x Bearer a.b.c'],
    ['the Authorization header holds no bearer token', 'Bearer a.b.c x'],
    ['the Authorization header holds no bearer token', `Bearer ${'x'.repeat(2 * 8192 - 7)}`],
    ['the Authorization header is over 16 kB', `Bearer ${'x'.repeat(2 * 8192 - 6)}`],
    ['the token is over 8 kB', `Bearer a.b.${'c'.repeat(8192)}`],
    ['the token is malformed', 'Bearer a.b.c'],
  ])('is "%s"', async (reason, authorization) => {
    expect(await reasonFor(authorization)).toBe(reason);
  });

  it.each([
    ['the typ is foreign', {}, { typ: 'logout+jwt' }],
    ['the typ is foreign', {}, { typ: ['JWT'] }],
    ['the kid is no text', {}, { kid: 7 }],
    ['no key of the issuer fits the header', {}, { kid: 'k2' }],
    ['the token has expired', { exp: NOW - 60 }, {}],
    ['the issuer is another', { iss: 'https://other.example' }, {}],
    ['iat or exp is missing', { iat: undefined }, {}],
    ['iat or exp is missing', { exp: undefined }, {}],
    ['iat is in the future', { iat: NOW + 61 }, {}],
    ['the lifetime is over 24 hours', { exp: NOW + 24 * 3600 + 1 }, {}],
    ['the audience is another', { aud: 'other' }, {}],
    ['it is no access token', { token_use: 'id', aud: 'other' }, {}],
    ['nbf is in the future, or no number', { nbf: NOW + 61 }, {}],
    ['the token is bound to a key', { cnf: { jkt: 'x' } }, {}],
    ['it is a logout token', { events: {} }, {}],
    ['the user claim is missing or no valid id', { sub: ' ' }, {}],
  ])('is "%s" for the claims %j and the header %j', async (reason, claims, header) => {
    expect(await reasonFor(await bearer(claims, header))).toBe(reason);
  });

  it('is the signature for a token that was altered', async () => {
    const [head, , signature] = (await bearer()).split('.');
    const forged = Buffer.from(JSON.stringify({ ...goodClaims(NOW), sub: 'admin' })).toString('base64url');
    expect(await reasonFor(`${head}.${forged}.${signature}`)).toBe(
      'the signature is not by a key of the issuer: tried 1',
    );
  });

  it('is crit where the header holds it, even for what every verifier understands', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const header = { alg: 'RS256', kid: 'k1', crit: ['b64'], b64: true };
    expect(await reasonFor(`Bearer ${part(header)}.${part(goodClaims(NOW))}.AAAA`)).toBe('the header holds crit');
  });
});
