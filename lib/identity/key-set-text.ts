import { createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { ALGORITHMS } from './token-rules.ts';

// Every door loads this file with its configuration. key-set.ts loads jose, which the HTTP door alone needs.

const SIGNING_KEY_TYPES: readonly unknown[] = ['RSA', 'EC', 'OKP'];
/** RFC 7518: of private and of secret keys. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Why a text can't be the key set of a configuration; undefined if it can. */
export function keySetFault(text: string): string | undefined {
  let keys: object[];
  try {
    keys = membersOf(text).filter((key) => typeof key === 'object' && key !== null);
  } catch {
    return 'must be a key set: {"keys":[…]}';
  }
  if (keys.some((key) => PRIVATE_MEMBERS.some((name) => name in key))) return 'must hold public keys alone';
  return keys.some((key) => isSigningKey(key) && isReadable(key)) ? undefined : 'must hold a key that can be used';
}

function isReadable(key: JWK): boolean {
  if (key.alg !== undefined && !ALGORITHMS.includes(key.alg)) return false;
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey({
      key: { ...key },
      format: 'jwk',
    });
    if (type === 'rsa') return (details?.modulusLength ?? 0) >= 2048;
    return type === 'ed25519' || ['prime256v1', 'secp384r1'].includes(details?.namedCurve ?? '');
  } catch {
    return false;
  }
}

/** The keys for signatures in the text of a JSON Web Key Set. Throws if it is none, without quoting it. */
export function signingKeysOf(text: string): JWK[] {
  return membersOf(text).filter(isSigningKey);
}

function membersOf(text: string): unknown[] {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) {
    throw new Error('the answer is not a key set');
  }
  return value.keys;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch {
    // The parser's message quotes the text.
    throw new Error('the answer is not JSON');
  }
}

function isSigningKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null || !('kty' in key) || !SIGNING_KEY_TYPES.includes(key.kty)) return false;
  if ('kid' in key && typeof key.kid !== 'string') return false;
  return !('use' in key) || key.use === 'sig';
}
