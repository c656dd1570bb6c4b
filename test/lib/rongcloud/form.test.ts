import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_FORM_BYTES, toCalls, toForm } from '../../../lib/rongcloud/form.ts';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const users = (count: number): string[] => Array.from({ length: count }, (_, i) => `u${i}`);
const sizes = (count: number): number[] =>
  toCalls({ groupId: 'g', userIds: users(count) }).map((c) => c.userIds.length);

describe('toCalls', () => {
  it('carries everything so that the server decodes what was given, order and repeats kept', () => {
    fc.assert(
      fc.property(text, fc.array(text, { minLength: 1, maxLength: 30 }), fc.option(text), (groupId, userIds, name) => {
        const form = toForm({ groupId, userIds, ...(name !== null && { groupName: name }) });
        const decoded = [...new URLSearchParams(form)];
        expect(decoded).toEqual([
          ['groupId', groupId],
          ...(name === null ? [] : [['groupName', name]]),
          ...userIds.map((id) => ['userId', id]),
        ]);
      }),
    );
  });

  it.each([
    ['a b', 'userId=a+b'],
    ['a+b', 'userId=a%2Bb'],
    ['a&userId=admin', 'userId=a%26userId%3Dadmin'],
    ['%41', 'userId=%2541'],
    ['用户', 'userId=%E7%94%A8%E6%88%B7'],
    ['😀', 'userId=%F0%9F%98%80'],
    ["-_.*~!'()", 'userId=-_.*%7E%21%27%28%29'],
  ])('writes %s as java.net.URLEncoder does', (id, pair) => {
    expect(toForm({ groupId: 'g', userIds: [id] })).toBe(`groupId=g&${pair}`);
  });

  it('writes each character as URLSearchParams does', () => {
    for (let code = 0; code <= 0x2fff; code++) {
      const id = `a${String.fromCharCode(code)}`;
      const pairs = new URLSearchParams({ groupId: 'g', userId: id });
      expect(toForm({ groupId: 'g', userIds: [id] })).toBe(pairs.toString());
    }
  });

  it.each([
    [0, []],
    [999, [999]],
    [1000, [1000]],
    [1001, [1000, 1]],
    [2500, [1000, 1000, 500]],
    [3000, [1000, 1000, 1000]],
  ])('splits %i users into calls of %j', (count, expected) => {
    expect(sizes(count)).toEqual(expected);
  });

  it('fills a call to exactly the byte limit and no further', () => {
    // 'groupId=g' is 9 bytes and '&userId=' 8: each user below costs 8 bytes and its id.
    const ids = (last: number): string[] => [...Array.from({ length: 949 }, () => 'x'.repeat(92)), 'y'.repeat(last)];
    const exact = MAX_FORM_BYTES - 9 - 949 * 100 - 8;
    const fits = toCalls({ groupId: 'g', userIds: ids(exact) });
    expect(fits.map((call) => toForm(call).length)).toEqual([MAX_FORM_BYTES]);
    expect(toCalls({ groupId: 'g', userIds: ids(exact + 1) }).map((call) => call.userIds.length)).toEqual([949, 1]);
  });

  it('counts the group name too', () => {
    // 'groupId=g&groupName=n' is 21 bytes.
    const ids = (last: number): string[] => [...Array.from({ length: 949 }, () => 'x'.repeat(92)), 'y'.repeat(last)];
    const exact = MAX_FORM_BYTES - 21 - 949 * 100 - 8;
    const formsOf = (userIds: string[]) => toCalls({ groupId: 'g', groupName: 'n', userIds }).map(toForm);
    expect(formsOf(ids(exact)).map(({ length }) => length)).toEqual([MAX_FORM_BYTES]);
    expect(formsOf(ids(exact + 1))).toHaveLength(2);
  });

  it('never passes a limit and never loses, doubles or reorders a user', () => {
    const wide = fc.constantFrom('用'.repeat(64), '😀'.repeat(32), 'a', 'a b');
    fc.assert(
      fc.property(fc.array(wide, { minLength: 1, maxLength: 3000, size: 'max' }), (userIds) => {
        const calls = toCalls({ groupId: '组'.repeat(64), userIds, groupName: '名'.repeat(64) });
        expect(calls.flatMap((call) => call.userIds)).toEqual(userIds);
        for (const call of calls) {
          const [form, sent] = [toForm(call), call.userIds];
          expect(sent.length).toBeLessThanOrEqual(1000);
          expect(Buffer.byteLength(form)).toBeLessThanOrEqual(MAX_FORM_BYTES);
          expect(new URLSearchParams(form).getAll('userId')).toEqual(sent);
          expect(form.startsWith('groupId=')).toBe(true);
          expect(new URLSearchParams(form).get('groupName')).toBe('名'.repeat(64));
        }
      }),
      { numRuns: 20 },
    );
  });
});
