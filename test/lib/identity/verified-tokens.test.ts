import type { JWTPayload } from 'jose';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createAuthenticator } from '../../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../../lib/identity/issuer-keys.ts';
import { type VerifiedToken, VerifiedTokens } from '../../../lib/identity/verified-tokens.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { goodClaims, keySet, RULES, type TestKey, testKey } from '../../helpers/tokens.ts';

const NOW = 1_800_000_000;
let key: TestKey;
beforeAll(async () => {
  key = await testKey('k1');
});

describe('VerifiedTokens', () => {
  const verified = async (userId: string): Promise<VerifiedToken> => ({
    header: { alg: 'RS256' },
    key: await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']),
    caller: { kind: 'user', userId, groupPatterns: [], claims: {} },
  });

  it('gives what was set for a token, and nothing for another', async () => {
    const tokens = new VerifiedTokens();
    const [a, b] = [await verified('a'), await verified('b')];
    tokens.set('token a', a);
    tokens.set('token b', b);
    expect(tokens.get('token a')).toBe(a);
    expect(tokens.get('token b')).toBe(b);
    expect(tokens.get('token c')).toBeUndefined();
  });

  it('holds the last 100 and forgets the oldest first', async () => {
    const tokens = new VerifiedTokens();
    const one = await verified('a');
    const held = (count: number) => Array.from({ length: count }, (_, i) => tokens.get(`token ${i}`) !== undefined);
    for (let i = 0; i < 100; i++) tokens.set(`token ${i}`, one);
    expect(held(100)).toEqual(Array(100).fill(true));
    tokens.set('token 100', one);
    tokens.set('token 101', one);
    expect(held(102)).toEqual([false, false, ...Array(100).fill(true)]);
  });
});

describe('a token that was good before', () => {
  function setUp(served = () => keySet(key)) {
    const clock = { ms: NOW * 1000 };
    const issuer = { served };
    const time = clockOf(() => clock.ms);
    const keys = createIssuerKeys(async () => issuer.served(), time);
    const verify = vi.spyOn(crypto.subtle, 'verify');
    return { clock, issuer, verify, authenticate: createAuthenticator({ rules: RULES, keys, clock: time }) };
  }
  const bearer = async (claims: JWTPayload) => `Bearer ${await key.sign(claims)}`;
  const refusal = { code: 'UNAUTHENTICATED' };

  it('gives the same caller, and its signature is not verified again', async () => {
    const { verify, authenticate } = setUp();
    const token = await bearer({ ...goodClaims(NOW), groups: ['g'] });
    const first = await authenticate(token);
    expect(verify).toHaveBeenCalledTimes(1);
    expect(await authenticate(token)).toEqual(first);
    expect(first).toMatchObject({ userId: 'alice', groupPatterns: ['g'] });
    expect(verify).toHaveBeenCalledTimes(1);
    await authenticate(await bearer({ ...goodClaims(NOW), jti: 'another' }));
    expect(verify).toHaveBeenCalledTimes(2);
  });

  it('is verified again after a hundred others, and is good still', async () => {
    const { verify, authenticate } = setUp();
    const tokens = await Promise.all(
      Array.from({ length: 101 }, (_, i) => bearer({ ...goodClaims(NOW), jti: String(i) })),
    );
    for (const token of tokens) await authenticate(token);
    expect(verify).toHaveBeenCalledTimes(101);
    await authenticate(tokens[1]);
    expect(verify).toHaveBeenCalledTimes(101);
    expect(await authenticate(tokens[0])).toMatchObject({ userId: 'alice' });
    expect(verify).toHaveBeenCalledTimes(102);
  });

  it('is too young once a clock that was ahead has been set right', async () => {
    const { clock, authenticate } = setUp();
    const MINUTES = 60;
    await authenticate(await bearer(goodClaims(NOW)));
    clock.ms += 9 * MINUTES * 1000;
    const token = await bearer(goodClaims(NOW + 9 * MINUTES));
    await authenticate(token);
    // The keys are from before that, and as fresh as they were.
    clock.ms -= 5 * MINUTES * 1000;
    await expect(authenticate(token)).rejects.toMatchObject(refusal);
  });

  it('expires all the same', async () => {
    const { clock, authenticate } = setUp();
    const token = await bearer({ ...goodClaims(NOW), exp: NOW + 100 });
    await authenticate(token);
    clock.ms = (NOW + 159) * 1000;
    await authenticate(token);
    clock.ms = (NOW + 160) * 1000;
    await expect(authenticate(token)).rejects.toMatchObject({
      ...refusal,
      cause: { message: 'the token has expired' },
    });
  });

  it('is refused once its key is removed, or another has taken its id', async () => {
    for (const next of [await testKey('k2'), await testKey('k1')]) {
      const { clock, issuer, authenticate } = setUp();
      const token = await bearer(goodClaims(NOW));
      await authenticate(token);
      issuer.served = () => keySet(next);
      clock.ms += 10 * 60_000;
      await expect(authenticate(token)).rejects.toMatchObject(refusal);
    }
  });

  it('is not refused but put off once the issuer has been out of reach for a day', async () => {
    const { clock, issuer, authenticate } = setUp();
    const token = await bearer({ ...goodClaims(NOW), exp: NOW + 24 * 3600 });
    await authenticate(token);
    issuer.served = () => '<html>';
    clock.ms += 24 * 3600_000;
    await expect(authenticate(token)).rejects.toMatchObject({ code: 'IDENTITY_UNAVAILABLE' });
  });

  it('does not vouch for one that differs in a single character', async () => {
    const { authenticate } = setUp();
    const token = await bearer(goodClaims(NOW));
    await authenticate(token);
    const signature = `${token.slice(0, -3)}${token.endsWith('AAA') ? 'BBB' : 'AAA'}`;
    const payload = token.replace(/\.[^.]+\./, (part) => part.replace(/.\.$/, 'x.'));
    for (const altered of [signature, payload]) await expect(authenticate(altered)).rejects.toMatchObject(refusal);
  });

  it('is refused while the clock says that it is not yet valid', async () => {
    for (const [claims, secondsBack] of [
      [{ iat: NOW - 100, nbf: NOW }, 61],
      [{ iat: NOW }, 61],
    ] as const) {
      const { clock, authenticate } = setUp();
      const token = await bearer({ ...goodClaims(NOW), ...claims });
      await authenticate(token);
      clock.ms = (NOW - secondsBack) * 1000;
      await expect(authenticate(token)).rejects.toMatchObject(refusal);
      clock.ms += 1000;
      await authenticate(token);
    }
  });

  it('gives a policy nothing that it could change for the next', async () => {
    const { authenticate } = setUp();
    const token = await bearer({ ...goodClaims(NOW), groups: ['g'], tenant: { roles: ['guest'] } });
    const { claims } = await authenticate(token);
    expect(() => Object.assign(claims, { role: 'host' })).toThrow(TypeError);
    expect(() => Object.assign(claims.tenant as object, { name: 'other' })).toThrow(TypeError);
    expect(() => (claims.tenant as { roles: string[] }).roles.push('host')).toThrow(TypeError);
    const again = await authenticate(token);
    expect(again.claims.tenant).toEqual({ roles: ['guest'] });
    expect(() => Object.assign(again, { kind: 'service' })).toThrow(TypeError);
    expect(() => (again as unknown as { groupPatterns: string[] }).groupPatterns.push('*')).toThrow(TypeError);
  });
});
