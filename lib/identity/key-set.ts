import { type CryptoKey, createLocalJWKSet, errors, type JWK, type JWTHeaderParameters } from 'jose';
import { signingKeysOf } from './key-set-text.ts';

/** A junk token costs no more than this many tries of a key: one that names its key, and one that does not. */
const MAX_NAMED = 8;
const MAX_NAMELESS = 4;

/** The keys of a JSON Web Key Set that verify signatures. There may be none: the issuer took them all away. */
export class KeySet {
  readonly #find: ReturnType<typeof createLocalJWKSet>;
  readonly ids: ReadonlySet<unknown>;
  readonly isEmpty: boolean;

  /** Takes the set as text. Throws if it is none, without quoting it. */
  constructor(text: string) {
    const keys = signingKeysOf(text).map(withAnyEdwardsName);
    this.#find = createLocalJWKSet({ keys });
    this.ids = new Set(keys.map(({ kid }) => kid));
    this.isEmpty = keys.length === 0;
  }

  /** The keys that a token's header may mean. During a rotation several keys may share an id, or a token name none. */
  async fitting(header: JWTHeaderParameters): Promise<CryptoKey[]> {
    try {
      return [await this.#find(header)];
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return [];
      const most = header.kid === undefined ? MAX_NAMELESS : MAX_NAMED;
      const keys: CryptoKey[] = [];
      for await (const key of error) if (keys.push(key) === most) break;
      return keys;
    }
  }
}

/** jose takes a key with one of the two names of Ed25519 for no token with the other. Seen in 6.2. */
function withAnyEdwardsName(key: JWK): JWK {
  if (key.alg !== 'EdDSA' && key.alg !== 'Ed25519') return key;
  const { alg: _, ...nameless } = key;
  return nameless;
}
