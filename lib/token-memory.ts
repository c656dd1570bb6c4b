import type { JWTHeaderParameters, JWTPayload, ResolvedKey } from 'jose';

const MAX_REMEMBERED = 100;

/** A token that was verified, and the key that did it: good for as long as the issuer has that very key. */
export interface VerifiedToken extends ResolvedKey {
  header: JWTHeaderParameters;
  payload: JWTPayload;
}

/** The last tokens that were good. Backends use theirs many times, and a signature is most of a warm call's work. */
export class TokenMemory {
  readonly #tokens = new Map<string, VerifiedToken>();

  get(token: string): VerifiedToken | undefined {
    return this.#tokens.get(token);
  }

  set(token: string, verified: VerifiedToken): void {
    if (this.#tokens.size >= MAX_REMEMBERED) {
      for (const oldest of this.#tokens.keys()) {
        this.#tokens.delete(oldest);
        break;
      }
    }
    this.#tokens.set(token, verified);
  }
}
