import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readPrefer } from '../../functions/prefer.ts';

const ENDLESS = ['"', '";', 'a;', 'a="', '\\"', ' ', 'a=b;'];

/**
 * The regular expressions that take more steps back than a limit when headers are read, and then one that always does.
 * V8 leaves those to another engine, which needs no steps back, and says so.
 */
function stepsOver(limit: number, headers: readonly string[]): string[] {
  const flags = [
    '--enable-experimental-regexp-engine-on-excessive-backtracks',
    '--trace-experimental-regexp-engine',
    `--regexp-backtracks-before-fallback=${limit}`,
  ];
  const script = `
    const { readPrefer } = await import(${JSON.stringify(new URL('../../functions/prefer.ts', import.meta.url))});
    for (const header of ${JSON.stringify(headers)}) readPrefer(header);
    /^(a|a)*$/.test('a'.repeat(40) + 'b');`;
  const said = execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  return [...said.matchAll(/^Experimental execution .*?: ["#]*(.*?)"?>$/gm)].map(([, expression = '']) => expression);
}

describe('readPrefer', () => {
  it.each([
    ['respond-async', undefined],
    ['Respond-Async', undefined],
    [' respond-async ', undefined],
    ['return=minimal, respond-async', undefined],
    ['respond-async; foo="a, b"', undefined],
    ['respond-async, wait=2', 2000],
    ['wait=2, respond-async', 2000],
    ['respond-async, wait = 2', 2000],
    ['respond-async, wait="2"', 2000],
    ['respond-async, WAIT=1', 1000],
    ['respond-async, wait=8', 8000],
    ['respond-async, wait=9', 8000],
    ['respond-async, wait=999999999', 8000],
    ['respond-async, wait=99999999999999999999', 8000],
    ['respond-async, wait=008', 8000],
    ['respond-async, wait=00', undefined],
    [`respond-async, wait=${'9'.repeat(400)}`, 8000],
    ['respond-async, wait=0', undefined],
    ['respond-async, wait', undefined],
    ['respond-async, wait=', undefined],
    ['respond-async, wait=-1', undefined],
    ['respond-async, wait=1.5', undefined],
    ['respond-async, wait=2s', undefined],
    ['respond-async, wait=abc', undefined],
    ['respond-async, wait=+2', undefined],
    ['respond-async, wait="2x"', undefined],
    ['respond-async, wait=" 2"', undefined],
    ['respond-async, wait=""', undefined],
    ['respond-async, wait=abc, wait=2', undefined],
    ['respond-async, wait=1e3', undefined],
    ['respond-async, wait=3, wait=7', 3000],
    ['respond-async, foo="wait=5"', undefined],
    ['respond-async;wait=5', undefined],
    [', ,respond-async,,wait=4,', 4000],
    ['foo="a \\" b", respond-async', undefined],
    ['bad preference, respond-async, wait=2', 2000],
  ])('finds the wish in %j, with a wait of %j', (header, waitMs) => {
    expect(readPrefer(header)).toEqual({ waitMs });
  });

  it.each([
    undefined,
    '',
    'wait=5',
    // A quote that nobody closes.
    'respond-async, foo="a',
    'respond-async, wait=2, foo="',
    'respond-async; foo="a, wait=2',
    '", respond-async',
    'respond-async"',
    'foo="a \\", respond-async',
    'foo="a", respond-async, "',
    'return=representation',
    'foo="a, respond-async, b"',
    'foo="a \\", respond-async, b"',
    'foo; respond-async',
    'respond-asynchronously',
    'x-respond-async',
    'respond async',
    'respond-async/1',
    '"respond-async"',
  ])('finds none in %j', (header) => {
    expect(readPrefer(header)).toBeUndefined();
  });

  it('finds none in a header that goes on for ever', () => {
    for (const part of ENDLESS) {
      for (const length of [1000, 10_000]) expect(readPrefer(part.repeat(length / part.length))).toBeUndefined();
    }
  });

  it('takes no more steps for a header than in proportion to its length', () => {
    const headers = [
      ...ENDLESS.map((part) => part.repeat(1000 / part.length)),
      ...[';b= ', '; b= ', ';b = ', ';b=" "', '; ', ' ;'].flatMap((part) =>
        ['@', ' @', '=@', '"'].map((end) => `respond-async${part.repeat(980 / part.length)}${end}`),
      ),
    ];
    expect(stepsOver(10 * 1000, headers)).toEqual(['^(a|a)*$']);
  });

  it('reads the longest header that it reads, and no longer one', () => {
    const header = 'respond-async; foo='.padEnd(1000, 'x');
    expect(readPrefer(header)).toEqual({ waitMs: undefined });
    expect(readPrefer(`${header}x`)).toBeUndefined();
  });
});
