import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');

/** The guarantees of SECURITY.md: each one's text, and the tests that it names. */
const guarantees = [
  ...(
    read('SECURITY.md')
      .split(/^## /m)
      .find((part) => part.startsWith('What it guarantees')) ?? ''
  ).matchAll(/^\| (.+) \| (.+) \|$/gm),
]
  .slice(1)
  .map(([, guarantee = '', tests = '']) => {
    return { guarantee, tests: [...tests.matchAll(/`([^`]+)` \(\[[^\]]+\]\(([^)]+)\)\)/g)] };
  });

describe('the guarantees of SECURITY.md', () => {
  it('are found', () => {
    expect(guarantees.length).toBeGreaterThan(10);
  });

  it.each(guarantees)('$guarantee', ({ tests }) => {
    expect(tests.length).toBeGreaterThan(0);
    // A title stands in its file as it is named, between quotes of any kind.
    const missing = tests.filter(([, title = '', file = '']) => {
      return !['"', "'", '`'].some((quote) => read(file).includes(`${quote}${title}`));
    });
    expect(missing.map(([named]) => named)).toEqual([]);
  });
});
