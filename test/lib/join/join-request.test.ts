import { describe, expect, it } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { parseMessage, parsePathAndBody } from '../../../lib/join/join-request.ts';

function faults(parse: () => unknown) {
  try {
    parse();
  } catch (error) {
    if (error instanceof JoinError && error.code === 'INVALID_REQUEST') return error.fields;
    throw error;
  }
  throw new Error('nothing was thrown');
}
const pointers = (parse: () => unknown) => faults(parse)?.map(({ pointer }) => pointer);
const people = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);

describe('parseMessage', () => {
  it('takes a join and drops what is not part of it', () => {
    expect(parseMessage({ groupId: 'g', userIds: ['a', 'b'], groupName: 'N', requestId: 'r' })).toEqual({
      groupId: 'g',
      userIds: ['a', 'b'],
      groupName: 'N',
    });
  });

  it('sends a duplicate once, order kept', () => {
    expect(parseMessage({ groupId: 'g', userIds: ['b', 'a', 'b', 'c', 'a'] }).userIds).toEqual(['b', 'a', 'c']);
  });

  it.each([
    'a',
    'x'.repeat(64),
    'a b',
    'a+b',
    'a&userId=admin',
    '%41',
    '用户',
    '😀',
    '__proto__',
    '\u{FFFE}',
    '\u200b',
  ])('takes the id %j', (id) => {
    expect(parseMessage({ groupId: id, userIds: [id] })).toEqual({ groupId: id, userIds: [id] });
  });

  it.each([
    ['empty', ''],
    ['65 characters', 'x'.repeat(65)],
    ['33 emoji, which are 66 UTF-16 units', '😀'.repeat(33)],
    ['a lone high surrogate', 'a\ud800'],
    ['a lone low surrogate', '\udc00a'],
    ['a control character', 'a\u0000b'],
    ['a C1 control character', 'a\u0085b'],
    ['a leading space', ' a'],
    ['a trailing no-break space', 'a\u00a0'],
    ['no UTF-8', 'a\ufffd'],
    ['a number', 7],
    ['null', null],
    ['a list', ['a']],
  ])('refuses an id that is %s, wherever it stands, and does not repeat it', (_name, id) => {
    const found = faults(() => parseMessage({ groupId: id, userIds: ['ok', id] }));
    expect(found?.map(({ pointer }) => pointer).sort()).toEqual(['/groupId', '/userIds/1']);
    if (typeof id === 'string' && id.length > 2) expect(JSON.stringify(found)).not.toContain(id);
  });

  it.each([
    [1, true],
    [3000, true],
    [3001, false],
  ])('with %i distinct users is taken: %s', (count, taken) => {
    const parse = () => parseMessage({ groupId: 'g', userIds: people(count) });
    if (taken) expect(parse().userIds).toHaveLength(count);
    else expect(pointers(parse)).toEqual(['/userIds']);
  });

  it('counts distinct users only', () => {
    expect(parseMessage({ groupId: 'g', userIds: [...people(3000), ...people(3000)] }).userIds).toHaveLength(3000);
  });

  it.each([
    ['name of 64', 'n'.repeat(64), true],
    ['name with spaces', ' Team 1 ', true],
    ['empty name', '', false],
    ['name of 65', 'n'.repeat(65), false],
    ['name with a lone surrogate', '\ud83d', false],
    ['name with a line break', 'a\nb', false],
    ['name that is no UTF-8', 'a\ufffd', false],
    ['null name', null, false],
  ])('a group %s is taken: %s', (_name, groupName, taken) => {
    const parse = () => parseMessage({ groupId: 'g', userIds: ['a'], groupName });
    if (taken) expect(parse().groupName).toBe(groupName);
    else expect(pointers(parse)).toEqual(['/groupName']);
  });

  it('points at what is missing, empty or unknown, all at once', () => {
    expect(pointers(() => parseMessage({}))).toEqual(['/groupId', '/userIds']);
    expect(pointers(() => parseMessage({ groupId: 'g', userIds: [] }))).toEqual(['/userIds']);
    expect(pointers(() => parseMessage({ groupId: '', userIds: 'a', extra: 1, 'a/b~c': 2 }))).toEqual([
      '/groupId',
      '/userIds',
      '/extra',
      '/a~1b~0c',
    ]);
  });

  it.each([
    ['/groupId', 'Is required.', { userIds: ['a'] }],
    ['/groupId', 'Must be a string.', { groupId: 7, userIds: ['a'] }],
    ['/userIds', 'Is required.', { groupId: 'g' }],
    ['/userIds', 'Must be a list of user ids.', { groupId: 'g', userIds: 'a' }],
    ['/userIds', 'Must name at least one user.', { groupId: 'g', userIds: [] }],
    ['/userIds', 'Must name at most 3000 distinct users.', { groupId: 'g', userIds: people(3001) }],
    ['/userIds/1', 'Must be a string.', { groupId: 'g', userIds: ['a', 7] }],
    ['/userIds/1', 'Must not be empty.', { groupId: 'g', userIds: ['a', ''] }],
    ['/groupId', 'Must not be empty.', { groupId: '', userIds: ['a'] }],
    ['/groupName', 'Must not be empty.', { groupId: 'g', userIds: ['a'], groupName: '' }],
    ['/groupName', 'Must be a string.', { groupId: 'g', userIds: ['a'], groupName: 7 }],
    ['/more', 'Unknown key.', { groupId: 'g', userIds: ['a'], more: 1 }],
    ['', 'Must be a JSON object.', 'text'],
    ['', 'Must be a JSON object.', null],
  ])('says of what stands at %j: %s', (pointer, detail, message) => {
    expect(faults(() => parseMessage(message))).toEqual([{ pointer, detail }]);
  });

  it('writes / and ~ in a pointer as RFC 6901 says, all of them', () => {
    expect(pointers(() => parseMessage({ groupId: 'g', userIds: ['a'], '~1/a~/': 1 }))).toEqual(['/~01~1a~0~1']);
  });

  it.each([
    [64, `/${'k'.repeat(64)}`],
    [65, ''],
  ])('points at a key of %i characters as %j', (length, pointer) => {
    expect(pointers(() => parseMessage({ groupId: 'g', userIds: ['a'], ['k'.repeat(length)]: 1 }))).toEqual([pointer]);
  });

  it('names exactly 100 faults of 101', () => {
    expect(pointers(() => parseMessage({ groupId: 'g', userIds: Array(99).fill('') }))).toHaveLength(99);
    expect(pointers(() => parseMessage({ groupId: 'g', userIds: Array(101).fill('') }))?.at(-1)).toBe('/userIds/99');
    const keys = Object.fromEntries(people(101).map((key) => [key, 1]));
    expect(pointers(() => parseMessage({ groupId: 'g', userIds: ['a'], ...keys }))).toHaveLength(100);
  });

  it.each(['__proto__', 'constructor', 'toString'])('refuses the unknown key %s', (key) => {
    const message = JSON.parse(`{"groupId":"g","userIds":["a"],"${key}":{}}`);
    expect(pointers(() => parseMessage(message))).toEqual([`/${key}`]);
  });

  it.each([[null], [undefined], ['text'], [7], [[]], [true]])('points at the whole when it is %j', (message) => {
    expect(pointers(() => parseMessage(message))).toEqual(['']);
  });

  it('names at most 100 faults', () => {
    expect(pointers(() => parseMessage({ groupId: 'g', userIds: Array(5000).fill('') }))).toHaveLength(100);
  });

  it('stops looking at a long list of junk', () => {
    expect(pointers(() => parseMessage({ groupId: 'g', userIds: Array(1_000_000).fill(0) }))).toHaveLength(100);
  });
});

describe('parsePathAndBody', () => {
  it('lets the caller join where nobody is named', () => {
    expect(parsePathAndBody('g', undefined, 'alice')).toEqual({ groupId: 'g', userIds: ['alice'] });
    expect(parsePathAndBody('g', {}, 'alice')).toEqual({ groupId: 'g', userIds: ['alice'] });
    expect(parsePathAndBody('g', { userIds: ['bob'] }, 'alice')).toEqual({ groupId: 'g', userIds: ['bob'] });
  });

  it('wants somebody named where the caller is nobody in particular', () => {
    expect(faults(() => parsePathAndBody('g', undefined))).toEqual([
      { pointer: '/userIds', detail: 'Is required: a service must say who joins.' },
    ]);
    expect(parsePathAndBody('g', { userIds: ['bob'] })).toEqual({ groupId: 'g', userIds: ['bob'] });
  });

  it('says that a path names no group', () => {
    expect(faults(() => parsePathAndBody(undefined, {}, 'alice'))).toEqual([
      { pointer: '/groupId', detail: 'Is required.' },
    ]);
  });

  it('points into the body and at the path, all at once', () => {
    expect(pointers(() => parsePathAndBody(' g', { userIds: [''], groupName: '' }, 'alice'))).toEqual([
      '/groupId',
      '/userIds/0',
      '/groupName',
    ]);
  });

  it.each(['/', '?', '#', '%', '\\', 'a/b', '.', '..'])(
    'refuses %j in the path, and names the doors that take it',
    (groupId) => {
      expect(faults(() => parsePathAndBody(groupId, { userIds: ['a', groupId] }))).toEqual([
        {
          pointer: '/groupId',
          detail: expect.stringMatching(
            /^Must not hold .* which a path can't carry\. The Invoke door and the queue take such ids\.$/,
          ),
        },
      ]);
      expect(parsePathAndBody('g', { userIds: [groupId], groupName: groupId }).userIds).toEqual([groupId]);
      expect(parseMessage({ groupId, userIds: ['a'] }).groupId).toBe(groupId);
    },
  );

  it.each(['...', '.a', 'a.', 'a..b', ' .', 'a&b', 'a b', 'a+b', '~', ':', '@', '*'])(
    'takes %j in the path',
    (groupId) => {
      expect(parsePathAndBody(`a${groupId}a`, { userIds: ['a'] }).groupId).toBe(`a${groupId}a`);
      if (groupId !== ' .') expect(parsePathAndBody(groupId, { userIds: ['a'] }).groupId).toBe(groupId);
    },
  );

  it.each(['groupId', 'requestId', 'userId'])('refuses the unknown key %s in a body', (key) => {
    expect(pointers(() => parsePathAndBody('g', { [key]: 'x' }, 'alice'))).toEqual([`/${key}`]);
  });

  it.each([[null], [[]], ['text'], [7], [false]])('points at the whole body when it is %j', (body) => {
    expect(pointers(() => parsePathAndBody('g', body, 'alice'))).toEqual(['']);
  });
});
