import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

// Commands, JSON and rules of the Chinese pages are those of the English pages, which other tests hold.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CHINESE = ['README.zh-CN.md', 'docs/zh-CN/quickstart.md'];
const ENGLISH = globSync(['*.md', 'docs/*.md', 'client/*.md'], { cwd: ROOT }).filter((page) => !CHINESE.includes(page));

const read = (page: string): string => readFileSync(`${ROOT}${page}`, 'utf8');
/** The code blocks of a page, with their language and without the indentation of a list. */
const blocksOf = (page: string): { language: string; lines: string }[] =>
  [...read(page).matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', language = '', lines = '']) => ({
    language,
    lines: `\n${lines.replaceAll(new RegExp(`^${indent}`, 'gm'), '')}`,
  }));
/** What a table explains: the code in its first column. */
const namesOf = (page: string): string[] => [...read(page).matchAll(/^\| (`[^|]+`) \|/gm)].map(([, name = '']) => name);

it('finds the Chinese pages and their blocks', () => {
  expect(globSync(['*.zh-CN.md', 'docs/zh-CN/*.md'], { cwd: ROOT }).sort()).toEqual(CHINESE);
  expect(CHINESE.flatMap(blocksOf).length).toBeGreaterThan(10);
});

describe.each(CHINESE)('%s', (page) => {
  it('prints lines of an English page, word for word', () => {
    const known = ENGLISH.flatMap(blocksOf);
    const isKnown = ({ language, lines }: { language: string; lines: string }): boolean =>
      known.some((block) => block.language === language && block.lines.includes(lines));
    expect(blocksOf(page).filter((block) => !isKnown(block))).toEqual([]);
  });

  it('explains nothing that the English pages do not name', () => {
    const english = ENGLISH.map(read).join('\n');
    expect(namesOf(page).filter((name) => !english.includes(name))).toEqual([]);
  });
});
