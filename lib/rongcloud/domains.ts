import type { ApiUrls } from './data-centers.ts';

/**
 * The domains of a data centre, and which of them calls begin with. All methods of a client share it, so that what one
 * learns of a dead domain serves the others. RongCloud asks callers to use one domain, and to switch to the other and
 * stay there once it fails (the vendor's page "API Domains").
 */
export class Domains {
  readonly #origins: readonly string[];
  /** By address: each is parsed once, not for each call. */
  readonly #urls = new Map<string, URL>();
  #current = 0;
  #moves = 0;

  constructor(urls: ApiUrls) {
    this.#origins = urls.filter((url) => url !== undefined);
  }

  /** The position of the domain that the next call begins with: 0 is the primary. */
  get current(): number {
    return this.#current;
  }

  get count(): number {
    return this.#origins.length;
  }

  url(domainIndex: number, path: string): URL {
    const origin = this.#origins[domainIndex];
    const address = `${origin}${path}`;
    let url = this.#urls.get(address);
    if (!url) {
      url = new URL(path, origin);
      this.#urls.set(address, url);
    }
    return url;
  }

  /**
   * Call this when an attempt starts; call the result if its domain failed. It moves to the other domain and says
   * whether it did: a failure that comes after another attempt's move changes nothing.
   */
  failover(domainIndex: number): () => boolean {
    const movesBefore = this.#moves;
    return () => {
      if (this.#current !== domainIndex || this.#moves !== movesBefore || this.count === 1) return false;
      this.#current = (domainIndex + 1) % this.count;
      this.#moves += 1;
      return true;
    };
  }
}
