import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

// Commands, JSON and rules of the Chinese pages are those of the English pages, which other tests hold.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CHINESE = ['README.zh-CN.md', 'docs/zh-CN/quickstart.md'];
const ENGLISH = globSync(['*.md', 'docs/*.md', 'client/*.md'], { cwd: ROOT }).filter((page) => !CHINESE.includes(page));

const read = (page: string): string => readFileSync(`${ROOT}${page}`, 'utf8');
/** The code blocks of a page, with their language and without the indentation of a list. */
const blocksOf = (page: string): string[] =>
  [...read(page).matchAll(/^( *)(```\w*\n[\s\S]*?)^ *```$/gm)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
/** The table rows that begin with code: their first cells. */
const namesOf = (page: string): string[] => [...read(page).matchAll(/^\| (`[^|]+`) \|/gm)].map(([, name = '']) => name);

it('finds the Chinese pages and their blocks', () => {
  expect(globSync(['*.zh-CN.md', 'docs/zh-CN/*.md'], { cwd: ROOT }).sort()).toEqual(CHINESE);
  expect(CHINESE.flatMap(blocksOf).length).toBeGreaterThan(10);
});

describe.each(CHINESE)('%s', (page) => {
  it('prints what an English page prints, word for word', () => {
    const known = new Set(ENGLISH.flatMap(blocksOf));
    expect(blocksOf(page).filter((block) => !known.has(block))).toEqual([]);
  });

  it('explains no cause that the English pages do not have', () => {
    const known = new Set(ENGLISH.flatMap(namesOf));
    expect(namesOf(page).filter((name) => !known.has(name))).toEqual([]);
  });
});
