import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGES = globSync(['*.md', 'docs/**/*.md', 'client/*.md'], { cwd: ROOT });

const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');
/** A page without its code blocks, in which number signs and brackets mean something else. */
const prose = (page: string): string => read(page).replace(/^ *```[\s\S]*?^ *```$/gm, '');
const lineCount = (page: string): number => read(page).trimEnd().split('\n').length;
const targets = (text: string): string[] =>
  [...text.replace(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);

/** The anchor that GitHub gives a heading. */
const anchor = (heading: string): string =>
  `#${heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')}`;
const anchors = (page: string, level: RegExp): string[] =>
  prose(page)
    .split('\n')
    .flatMap((line) => (level.test(line) ? anchor(line.replace(/^#+ /, '')) : []));

describe.each(PAGES)('%s', (page) => {
  const links = targets(prose(page)).filter((target) => !/^https?:/.test(target));

  it('links to files that are there', () => {
    const missing = links.filter((target) => !existsSync(join(ROOT, dirname(page), target.replace(/#.*/, ''))));
    expect(missing).toEqual([]);
  });

  it('links to headings that are there', () => {
    const missing = links.filter((target) => {
      const [file = '', fragment] = target.split('#');
      if (fragment === undefined) return false;
      const other = file === '' ? page : relative(ROOT, join(ROOT, dirname(page), file));
      return !anchors(other, /^#+ /).includes(`#${fragment}`);
    });
    expect(missing).toEqual([]);
  });

  it('begins with a list of its parts if it is longer than 100 lines', () => {
    const [beginning = ''] = prose(page).split(/^## /m);
    const listed = targets(beginning).filter((target) => target.startsWith('#'));
    expect(lineCount(page) <= 100 ? [] : anchors(page, /^## /).filter((part) => !listed.includes(part))).toEqual([]);
  });
});

it('the README has at most 170 lines', () => {
  expect(lineCount('README.md')).toBeLessThanOrEqual(170);
});
