import { describe, expect, it } from 'vitest';
import { notSent } from '../../../lib/errors.ts';
import {
  FIREWALL,
  FULL,
  INTERNAL,
  includes,
  type Judge,
  REJECTED,
  room,
  settleUsers,
  TIMEOUT,
} from '../../helpers/narrowed-group.ts';
import { people, queued } from '../../helpers/queued-joins.ts';

const old = queued(['a'], { groupName: 'Old', sentAt: 1 });
const late = queued(['b'], { groupName: 'New', sentAt: 2 });
const joined = (...userIds: string[]) => new Map(userIds.map((userId) => [userId, 'joined']));
/** Refuses a name, and else what another judge says. */
const butNot =
  (name: string, judge: Judge = () => undefined, error = REJECTED): Judge =>
  (userIds, groupName, ordinal) =>
    groupName === name ? error : judge(userIds, groupName, ordinal);

describe('the newest name', () => {
  it('goes with the users of the group, whoever sent it', async () => {
    const { outcome, calls } = await settleUsers([old, late], () => undefined);
    expect(calls).toEqual([{ users: 'a b', name: 'New' }]);
    expect(outcome).toEqual({ users: joined('a', 'b'), refusedNames: new Map(), namedBy: late });
  });

  it('goes with one call alone, which holds a user of its message', async () => {
    const { outcome, calls } = await settleUsers([queued(people(1000)), late, queued(people(2500))], () => undefined);
    expect(calls.map(({ users, name }) => [users.split(' ').length, name])).toEqual([
      [1000, undefined],
      [1000, 'New'],
      [501, undefined],
    ]);
    expect(calls[1]?.users).toMatch(/^b /);
    expect(outcome.namedBy).toBe(late);
  });

  it.each([
    ['a refusal', REJECTED],
    ['an internal error', INTERNAL],
    ['a 4xx that is not JSON', FIREWALL],
  ])(
    'is left out after %s; if all can join then, it is refused and the next newest has its turn',
    async (_what, error) => {
      const { outcome, calls, kinds } = await settleUsers([old, late], butNot('New', undefined, error));
      expect(calls).toEqual([{ users: 'a b', name: 'New' }, { users: 'a b' }, { users: 'a', name: 'Old' }]);
      expect(kinds).toEqual(['first', 'first', 'narrowing']);
      expect(outcome).toEqual({
        users: joined('a', 'b'),
        refusedNames: new Map([[late, error]]),
        namedBy: old,
      });
    },
  );

  it('goes alone with one of its users if the call fails without it too, once it is known who can join', async () => {
    const message = queued(['x', 'b'], { groupName: 'New', sentAt: 2 });
    const { outcome, calls, kinds } = await settleUsers([old, message], includes('x')(REJECTED));
    expect(calls).toEqual([
      { users: 'a x b', name: 'New' },
      { users: 'a x b' },
      { users: 'a x' },
      { users: 'b' },
      { users: 'a' },
      { users: 'x' },
      { users: 'b', name: 'New' },
    ]);
    expect(kinds).toEqual(['first', 'first', ...Array(5).fill('narrowing')]);
    expect(outcome).toEqual({
      users: new Map<string, unknown>([
        ['b', 'joined'],
        ['a', 'joined'],
        ['x', REJECTED],
      ]),
      refusedNames: new Map(),
      namedBy: message,
    });
  });

  it('is narrowed down at once with a call that finds the group full', async () => {
    const { outcome, calls } = await settleUsers([old, late], room(1));
    expect(calls).toEqual([{ users: 'a b', name: 'New' }, { users: 'a' }, { users: 'b' }, { users: 'a', name: 'Old' }]);
    expect([outcome.users.get('a'), outcome.users.get('b'), outcome.namedBy]).toEqual(['joined', FULL, old]);
  });

  it.each([
    ['fails in a way that a name can not cause', TIMEOUT],
    ['is not sent', notSent(REJECTED)],
  ])('is not left out of a call that %s', async (_what, error) => {
    const { outcome, calls } = await settleUsers([late], () => error);
    expect(calls).toHaveLength(1);
    expect(outcome).toEqual({ users: new Map(), refusedNames: new Map(), namedBy: undefined });
  });

  it('is not refused if the call without it does not say who can join', async () => {
    const { outcome, calls } = await settleUsers([old, late], (_ids, name) => (name ? REJECTED : TIMEOUT));
    expect(calls).toHaveLength(2);
    expect(outcome).toEqual({ users: new Map(), refusedNames: new Map(), namedBy: undefined });
  });
});

describe('a name whose turn comes later', () => {
  it('is passed over if nobody of its message has joined', async () => {
    const { outcome, calls } = await settleUsers([old, late], includes('b')(REJECTED));
    expect(calls.slice(2)).toEqual([{ users: 'a' }, { users: 'b' }, { users: 'a', name: 'Old' }]);
    expect([outcome.namedBy, outcome.refusedNames.size]).toEqual([old, 0]);
  });

  it('is refused by its own call, and the next newest has its turn', async () => {
    const oldest = queued(['c'], { groupName: 'Oldest', sentAt: 0 });
    const judge = butNot('New', butNot('Old', includes('x')(REJECTED)));
    const { outcome, calls } = await settleUsers([oldest, old, late, queued(['x'])], judge);
    expect(calls.filter(({ name }) => name)).toEqual([
      { users: 'c a b x', name: 'New' },
      { users: 'b', name: 'New' },
      { users: 'a', name: 'Old' },
      { users: 'c', name: 'Oldest' },
    ]);
    expect([...outcome.refusedNames]).toEqual([
      [late, REJECTED],
      [old, REJECTED],
    ]);
    expect([outcome.namedBy, outcome.users.get('b'), outcome.users.get('a')]).toEqual([oldest, 'joined', 'joined']);
  });

  it.each([
    ['fails otherwise', TIMEOUT],
    ['is not sent', notSent(REJECTED)],
  ])('stays open if its call %s, and no older one has a turn before it', async (_what, error) => {
    const judge: Judge = (ids, name, ordinal) =>
      ordinal > 2 && name ? error : includes('x')(REJECTED)(ids, name, ordinal);
    const { outcome, calls } = await settleUsers([old, late, queued(['x'])], judge);
    expect(calls.filter(({ name }) => name)).toEqual([
      { users: 'a b x', name: 'New' },
      { users: 'b', name: 'New' },
    ]);
    expect([outcome.namedBy, outcome.refusedNames.size]).toEqual([undefined, 0]);
    expect([outcome.users.get('a'), outcome.users.get('b')]).toEqual(['joined', 'joined']);
  });
});
