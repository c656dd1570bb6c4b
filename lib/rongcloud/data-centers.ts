/** A data centre's API addresses: the primary and, where there is one, the backup. */
export type ApiUrls = readonly [primary: string, backup?: string];

/**
 * RongCloud's data centres. An app lives in exactly one: calling another fails.
 * Source: the vendor's page "API Domains".
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
