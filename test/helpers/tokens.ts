import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import type { TokenRules } from '../../lib/identity/token-rules.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'api';
export const RULES: TokenRules = {
  issuer: ISSUER,
  audiences: [AUDIENCE],
  userClaim: 'sub',
  groupsClaim: 'groups',
  serviceScope: 'group:join',
  serviceClaims: ['scope', 'scp'],
  serviceClients: [],
  openGroups: [],
};

/** A key of an issuer: it signs tokens, and its public half goes into a key set. */
export interface TestKey {
  jwk: JWK;
  sign(claims: JWTPayload, header?: Partial<JWTHeaderParameters>): Promise<string>;
}

export async function testKey(kid: string, alg = 'RS256'): Promise<TestKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (claims, header) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, typ: 'JWT', ...header }).sign(privateKey),
  };
}

/** Claims of a good token at a time, in seconds. */
export function goodClaims(nowSeconds: number): JWTPayload & { iat: number } {
  return { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat: nowSeconds, exp: nowSeconds + 3600 };
}

export function keySet(...keys: TestKey[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
}
