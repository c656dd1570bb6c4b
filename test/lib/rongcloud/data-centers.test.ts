import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DATA_CENTERS, isDataCenter } from '../../../lib/rongcloud/data-centers.ts';

const urls = Object.values(DATA_CENTERS).flat();

it('has a primary and a backup for each data centre, all of them https and none twice', () => {
  expect(Object.values(DATA_CENTERS).map(({ length }) => length)).toEqual([2, 2, 2, 2, 2]);
  expect(urls.map((url) => new URL(url).origin)).toEqual(urls);
  expect(urls.filter((url) => !url.startsWith('https://api'))).toEqual([]);
  expect(new Set(urls).size).toBe(urls.length);
});

it('knows its data centres by name, and nothing that an object inherits', () => {
  expect(Object.keys(DATA_CENTERS).every(isDataCenter)).toBe(true);
  for (const name of ['mars', 'Beijing', '', 'toString', '__proto__']) expect(isDataCenter(name)).toBe(false);
});

it('has the domains of docs/rongcloud.md', () => {
  const page = readFileSync(new URL('../../../docs/rongcloud.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([\w-]+)` \| ([\w.-]+), ([\w.-]+) \|/gm)];
  const described = rows.map(([, name = '', ...domains]) => [name, domains.map((domain) => `https://${domain}`)]);
  expect(Object.fromEntries(described)).toEqual(DATA_CENTERS);
});
