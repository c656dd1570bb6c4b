/** A data centre's API addresses: the primary and, where there is one, the backup. */
export type ApiUrls = readonly [primary: string, backup?: string];

/**
 * RongCloud's data centres. An app lives in exactly one: calling another fails.
 * Source: the vendor's list of API domains.
 */
export const DATA_CENTERS = {
  beijing: ['https://api.rong-api.com', 'https://api-b.rong-api.com'],
  singapore: ['https://api.sg-light-api.com', 'https://api-b.sg-light-api.com'],
  'singapore-b': ['https://api.sg-b-light-api.com', 'https://api-b.sg-b-light-api.com'],
  'north-america': ['https://api.us-light-api.com', 'https://api-b.us-light-api.com'],
  'saudi-arabia': ['https://api.sau-light-api.com', 'https://api-b.sau-light-api.com'],
} as const satisfies Record<string, ApiUrls>;

export type DataCenter = keyof typeof DATA_CENTERS;

export function isDataCenter(name: string): name is DataCenter {
  return Object.hasOwn(DATA_CENTERS, name);
}

/**
 * One method's URLs on a data centre's domains, and which of them calls begin with. RongCloud wants callers to stay
 * with a domain for as long as it works.
 */
export class Domains {
  readonly #urls: readonly URL[];
  #current = 0;
  #moves = 0;

  constructor(urls: ApiUrls, path: string) {
    this.#urls = urls.flatMap((url) => (url === undefined ? [] : [new URL(path, url)]));
  }

  get current(): number {
    return this.#current;
  }

  get count(): number {
    return this.#urls.length;
  }

  url(domain: number): URL {
    const url = this.#urls[domain];
    if (!url) throw new Error(`no domain ${domain}`);
    return url;
  }

  /** For an attempt that begins now: to be called if the domain fails. A failure that comes after a move does nothing. Says whether it moved. */
  mover(domain: number): () => boolean {
    const movesBefore = this.#moves;
    return () => {
      if (this.#current !== domain || this.#moves !== movesBefore || this.count === 1) return false;
      this.#current = (domain + 1) % this.count;
      this.#moves += 1;
      return true;
    };
  }
}
