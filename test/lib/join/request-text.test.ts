import { describe, expect, it } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { MAX_REQUEST_BYTES, parseRequestText } from '../../../lib/join/request-text.ts';

function faults(text: string) {
  try {
    parseRequestText(text);
  } catch (error) {
    if (error instanceof JoinError) return error.fields;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** A JSON text of so many bytes. */
const textOf = (bytes: number) => JSON.stringify('é'.repeat((bytes - 2) / 2));

describe('the text of a request', () => {
  it('may take as many bytes as the largest legal one, and none more', () => {
    expect(parseRequestText(textOf(MAX_REQUEST_BYTES))).toHaveLength((MAX_REQUEST_BYTES - 2) / 2);
    expect(faults(textOf(MAX_REQUEST_BYTES + 2))).toEqual([
      { pointer: '', detail: `Must take at most ${MAX_REQUEST_BYTES} bytes.` },
    ]);
  });

  it.each([
    ['nested eight deep', `${'['.repeat(8)}${']'.repeat(8)}`],
    ['with many lists side by side', `[${Array(20).fill('[]').join()}]`],
    ['with many objects side by side', `[${Array(20).fill('{}').join()}]`],
    ['with brackets in a text', JSON.stringify('[{'.repeat(20))],
    ['with brackets behind an escaped quote', JSON.stringify(`"\\"${'['.repeat(20)}`)],
  ])('may be one %s', (_, text) => {
    expect(parseRequestText(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['lists', '['.repeat(9)],
    ['objects', `${'{"a":'.repeat(9)}1${'}'.repeat(9)}`],
    ['lists behind a text with a backslash at its end', `["\\\\",${'['.repeat(8)}`],
  ])('is no request with %s nested deeper', (_, text) => {
    expect(faults(text)).toEqual([{ pointer: '', detail: 'Must be nested at most 8 deep.' }]);
  });
});
