import { describe, expect, it } from 'vitest';
import { readHttpConfig } from '../../../lib/config.ts';
import { ConfigError } from '../../../lib/environment.ts';
import { testKey } from '../../helpers/tokens.ts';

const ENV = {
  RONGCLOUD_SECRET_ID: 'rongcloud/app',
  RONGCLOUD_DATA_CENTER: 'singapore',
  JWT_ISSUER: 'https://issuer.example',
  JWT_AUDIENCE: 'api',
};

/** What is wrong with variables, besides nothing else. */
function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readHttpConfig({ ...ENV, ...env });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const keySet = (...keys: object[]) => JSON.stringify({ keys });

describe('JWKS', () => {
  it.each(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'])('takes a key for %s, named or not', async (alg) => {
    const { jwk } = await testKey('k1', alg);
    const { alg: _, kid: __, use: ___, ...bare } = jwk;
    for (const key of [jwk, bare]) {
      expect(readHttpConfig({ ...ENV, JWKS: keySet(key) }).keySet).toBe(keySet(key));
    }
  });

  it('makes of the issuer any text', async () => {
    const { jwk } = await testKey('k1');
    expect(readHttpConfig({ ...ENV, JWT_ISSUER: 'my-app', JWKS: keySet(jwk) }).tokens.issuer).toBe('my-app');
    expect(problemsOf({ JWT_ISSUER: 'my-app' })).toEqual(['JWT_ISSUER must be an https URL']);
    expect(problemsOf({ JWT_ISSUER: '', JWKS: keySet(jwk) })).toEqual(['JWT_ISSUER is missing']);
  });

  it('does not go with JWKS_URI', async () => {
    const { jwk } = await testKey('k1');
    expect(problemsOf({ JWKS: keySet(jwk), JWKS_URI: 'https://keys.example' })).toEqual([
      'JWKS stands in place of JWKS_URI: set one of them',
    ]);
  });

  it.each(['planted', '7', 'null', '[]', '{"keys":{}}', '{"kty":"OKP"}'])('refuses %s, which is no key set', (JWKS) => {
    expect(problemsOf({ JWKS })).toEqual(['JWKS must be a key set: {"keys":[…]}']);
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'refuses the private member %s, without its value',
    async (name) => {
      const { jwk } = await testKey('k1');
      for (const keys of [[{ ...jwk, [name]: 'planted' }], [jwk, { kty: 'oct', use: 'enc', [name]: 'planted' }]]) {
        expect(problemsOf({ JWKS: keySet(...keys) })).toEqual(['JWKS must hold public keys alone']);
      }
    },
  );

  it('refuses a set without a key that can be used', async () => {
    const { jwk } = await testKey('k1', 'ES256');
    const { jwk: rsa } = await testKey('k1');
    const { alg: _, ...p521 } = (await testKey('k1', 'ES512')).jwk;
    const unusable = [
      ...[{ ...jwk, use: 'enc' }, { ...jwk, y: undefined }, { ...jwk, alg: 'ES512' }, { ...jwk, kid: 7 }, p521],
      ...[
        { ...rsa, alg: 'RS512' },
        { ...rsa, n: rsa.n?.slice(0, 171) },
        { kty: 'OKP', crv: 'Ed25519' },
        null,
        'key',
        {},
      ],
    ];
    for (const key of unusable) {
      expect(problemsOf({ JWKS: JSON.stringify({ keys: [key] }) })).toEqual(['JWKS must hold a key that can be used']);
    }
    expect(problemsOf({ JWKS: keySet() })).toEqual(['JWKS must hold a key that can be used']);
    expect(problemsOf({ JWKS: JSON.stringify({ keys: [...unusable, jwk] }) })).toEqual([]);
  });
});

describe('tokens of services', () => {
  it.each(['roles', 'permissions', 'scope,roles'])('need clients where %s may make them', (JWT_SERVICE_CLAIMS) => {
    const problem = "JWT_SERVICE_CLIENTS is missing: users' tokens may hold roles and permissions too";
    expect(problemsOf({ JWT_SERVICE_CLAIMS })).toEqual([problem]);
    expect(problemsOf({ JWT_SERVICE_CLAIMS, JWT_SERVICE_CLIENTS: 'c' })).toEqual([]);
  });

  it.each([' ', ',', ' , '])('are refused where "%s" is meant to name clients or claims', (nothing) => {
    expect(problemsOf({ JWT_SERVICE_CLIENTS: nothing })).toEqual(['JWT_SERVICE_CLIENTS must name a client']);
    expect(problemsOf({ JWT_SERVICE_CLAIMS: nothing })).toEqual(['JWT_SERVICE_CLAIMS must name a claim']);
  });

  it('may come from any client where only scopes make them', () => {
    expect(problemsOf({ JWT_SERVICE_CLAIMS: 'scope', JWT_SERVICE_CLIENTS: '' })).toEqual([]);
  });
});

it.each([',', ' , '])('an audience of "%s" is none', (JWT_AUDIENCE) => {
  expect(problemsOf({ JWT_AUDIENCE })).toEqual(['JWT_AUDIENCE is missing']);
});
