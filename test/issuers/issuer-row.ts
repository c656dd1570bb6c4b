import { readFileSync } from 'node:fs';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { parse } from 'yaml';
import { readHttpConfig } from '../../lib/config.ts';
import { JoinError } from '../../lib/errors.ts';
import { createAuthenticator } from '../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../lib/identity/issuer-keys.ts';
import { clockOf } from '../helpers/clock-of.ts';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const [, ISSUERS = ''] = /\n## Token issuers\n([\s\S]+?)\n## /.exec(read('docs/configuration.md')) ?? [];
const { custom, functions } = parse(read('serverless.yml'), { logLevel: 'silent' });
const VARIABLES: Record<string, string> = functions[0].http.environment;

export const NOW = 1_800_000_000;

/** What a row of docs/configuration.md sets, each way that it may be set. The names in capitals stand for the values. */
export function settingsOf(issuer: string, values: Record<string, string>): Record<string, string>[] {
  const [, cell = ''] = new RegExp(`^\\| ${issuer}[^|]* \\|[^|]*\\| (.+?) \\|`, 'm').exec(ISSUERS) ?? [];
  const set = [...cell.matchAll(/`(\w+): ([^`]+)`/g)].map(([, name = '', value = '']) => {
    const filled = value.replaceAll(/\b[A-Z][A-Z_]+\b/g, (word) => values[word] ?? word);
    return { name, value: filled };
  });
  const unset = set.filter(({ value }) => /\b[A-Z]{3,}\b/.test(value) && !value.startsWith('{'));
  if (set.length === 0 || unset.length > 0) throw new Error(`The row of ${issuer}: ${JSON.stringify(unset)}`);
  const most = Math.max(...set.map(({ name }) => set.filter((other) => other.name === name).length));
  return Array.from({ length: most }, (_, i) =>
    Object.fromEntries(
      Map.groupBy(set, ({ name }) => name)
        .entries()
        .map(([name, all]) => [name, (all[i] ?? all[0])?.value ?? '']),
    ),
  );
}

/** The variables that a stage with these settings gives to the HTTP function. */
function environmentOf(settings: Record<string, string>): Record<string, string> {
  const parameters = { ...custom.defaults.default, ...settings };
  const ofTokens = Object.entries(VARIABLES).filter(([variable]) => /^J(WT|WKS)/.test(variable));
  const entries = ofTokens.map(([variable, value]) => [variable, parameters[value.slice('${param:'.length, -1)]]);
  return { ...Object.fromEntries(entries), RONGCLOUD_SECRET_ID: 's', RONGCLOUD_DATA_CENTER: 'singapore' };
}

export interface IssuerKey {
  jwk: JWK;
  sign(claims: JWTPayload, header?: object): Promise<string>;
}

/** A key of an issuer, public in the shape that the issuer's own key set has. */
export async function issuerKey(alg: string, shape: (jwk: JWK) => JWK, kid = 'key-1'): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const jwk = shape({ ...(await exportJWK(publicKey)), kid });
  const sign = (claims: JWTPayload, header = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
  return { jwk, sign };
}

/**
 * What the HTTP door, configured by a row, makes of a token: the caller without its claims, or the cause of its refusal.
 * The key set is found at the address alone that the issuer's pages give.
 */
export function doorOf(settings: Record<string, string>, keysUrl: string | undefined, keySet: object) {
  const config = readHttpConfig(environmentOf(settings));
  const clock = clockOf(() => NOW * 1000);
  const fetch = async () => {
    if (typeof config.keySet === 'string') return config.keySet;
    if (config.keySet.href !== keysUrl) throw new Error(`404 at ${config.keySet.href}`);
    return JSON.stringify(keySet);
  };
  const authenticate = createAuthenticator({ rules: config.tokens, keys: createIssuerKeys(fetch, clock), clock });
  return async (token: string): Promise<object | string> => {
    try {
      const { claims: _, ...caller } = await authenticate(`Bearer ${token}`);
      return caller;
    } catch (error) {
      if (error instanceof JoinError && error.cause instanceof Error) return error.cause.message;
      throw error;
    }
  };
}

export const SERVICE = { kind: 'service' };
export const user = (userId: string, ...groupPatterns: string[]) => ({ kind: 'user', userId, groupPatterns });
export const times = { iat: NOW - 60, exp: NOW + 3540 };
