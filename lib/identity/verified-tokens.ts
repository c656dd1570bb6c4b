import type { CryptoKey, JWTHeaderParameters } from 'jose';
import { freeze } from '../freeze.ts';
import type { Caller } from './caller.ts';

const MAX_TOKENS = 100;

/** A token that was verified, and the key that verified it: good for as long as the issuer has that very key. */
export interface VerifiedToken {
  header: JWTHeaderParameters;
  key: CryptoKey;
  caller: Caller;
}

/** The last 100 tokens that were good. Backends use one many times, and a signature is most of a warm call's work. */
export class VerifiedTokens {
  readonly #tokens = new Map<string, VerifiedToken>();

  get(token: string): VerifiedToken | undefined {
    return this.#tokens.get(token);
  }

  /** Remembers a token. Its caller can't be changed from then on. */
  set(token: string, verified: VerifiedToken): void {
    if (this.#tokens.size >= MAX_TOKENS) {
      const [oldest = ''] = this.#tokens.keys();
      this.#tokens.delete(oldest);
    }
    freeze(verified.caller);
    this.#tokens.set(token, verified);
  }
}
