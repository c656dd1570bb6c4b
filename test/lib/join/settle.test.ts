import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JoinError, type JoinErrorCode, notSent } from '../../../lib/errors.ts';
import {
  FIREWALL,
  FULL,
  type GroupOutcome,
  INTERNAL,
  includes,
  REJECTED,
  room,
  settleUsers,
  TIMEOUT,
} from '../../helpers/narrowed-group.ts';
import { people, queued } from '../../helpers/queued-joins.ts';

/** Numbers that fall, so that whatever is drawn at random comes in the reverse order. */
function falling(): () => number {
  let next = 1;
  return () => {
    next -= 0.001;
    return next;
  };
}

/** The users of a group by what became of them, with the refusal's code and outcome. */
const fates = ({ users }: GroupOutcome) =>
  Object.fromEntries([...users].map(([id, fate]) => [id, fate === 'joined' ? fate : `${fate.code}, ${fate.outcome}`]));

describe('the first calls', () => {
  it('are one for all users of a group', async () => {
    const { outcome, calls, kinds } = await settleUsers([queued(['a', 'b']), queued(['b', 'c'])], () => undefined);
    expect([calls, kinds]).toEqual([[{ users: 'a b c' }], ['first']]);
    expect(outcome).toEqual({
      users: new Map(['a', 'b', 'c'].map((userId) => [userId, 'joined'])),
      refusedNames: new Map(),
      namedBy: undefined,
    });
  });

  it('are as many as the limit of a call asks for', async () => {
    const { kinds, users } = await settleUsers([queued(people(2500))], () => undefined);
    expect(users.map((ids) => ids.split(' ').length)).toEqual([1000, 1000, 500]);
    expect(kinds).toEqual(['first', 'first', 'first']);
  });

  it.each<JoinErrorCode>([
    'UPSTREAM_UNAVAILABLE',
    'UPSTREAM_TIMEOUT',
    'UPSTREAM_UNREADABLE',
    'UPSTREAM_UNREACHABLE',
    'UPSTREAM_RATE_LIMITED',
    'UPSTREAM_CREDENTIALS',
    'CREDENTIALS_UNAVAILABLE',
    'DEADLINE_EXCEEDED',
    'INTERNAL',
  ])('leave their users undecided after %s, which is not about some of them', async (code) => {
    const named = queued(['a', 'b'], { groupName: 'Team' });
    const { outcome, calls } = await settleUsers([named], () => new JoinError(code));
    expect(calls).toHaveLength(1);
    expect([outcome.users.size, outcome.refusedNames.size]).toEqual([0, 0]);
  });

  it('leave their users undecided if they were not sent', async () => {
    const named = queued(['a', 'b'], { groupName: 'Team' });
    const { outcome, calls } = await settleUsers([named], () => notSent(REJECTED));
    expect(calls).toHaveLength(1);
    expect([outcome.users.size, outcome.refusedNames.size]).toEqual([0, 0]);
  });
});

describe('a refused call', () => {
  it('is halved, order kept, until the refused user stands alone; who stood beside those that joined is not asked again', async () => {
    const { outcome, users, kinds } = await settleUsers([queued([...'abcdefgh'])], includes('f')(REJECTED));
    expect(users).toEqual(['a b c d e f g h', 'a b c d', 'e f', 'g h', 'e', 'f']);
    expect(kinds).toEqual(['first', ...Array(5).fill('narrowing')]);
    expect(fates(outcome)).toMatchObject({ a: 'joined', e: 'joined', f: 'UPSTREAM_REJECTED, rejected', h: 'joined' });
    expect(outcome.users.size).toBe(8);
  });

  it('is narrowed to the right without a call of its own when the left ones join', async () => {
    const { users } = await settleUsers([queued([...'abcde'])], includes('e')(REJECTED));
    expect(users).toEqual(['a b c d e', 'a b c', 'd', 'e']);
  });

  it('refuses exactly those who were refused alone, with few calls', async () => {
    const many = fc
      .integer({ min: 1, max: 64 })
      .chain((size) => fc.record({ ids: fc.constant(people(size)), bad: fc.subarray(people(size)) }));
    await fc.assert(
      fc.asyncProperty(many, async ({ ids, bad }) => {
        const { outcome, users } = await settleUsers([queued(ids)], includes(...bad)(REJECTED));
        for (const id of ids) expect(outcome.users.get(id)).toBe(bad.includes(id) ? REJECTED : 'joined');
        for (const id of bad) expect(users).toContain(id);
        expect(users.length).toBeLessThanOrEqual(1 + bad.length * 2 * Math.ceil(Math.log2(ids.length)));
        expect(new Set(users).size).toBe(users.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe.each([
  ['an internal error', INTERNAL],
  ['a 4xx that is not JSON', FIREWALL],
])('%s', (_name, error) => {
  it('is halved like a refusal, but holds nothing against the user who is left over', async () => {
    const { outcome } = await settleUsers([queued([...'abcdefgh'])], includes('f')(error));
    expect([...outcome.users.keys()].sort()).toEqual([...'abcdegh']);
    expect(new Set(outcome.users.values())).toEqual(new Set(['joined']));
  });

  it('is halved at random', async () => {
    const ranks = [0.4, 0.3, 0.2, 0.1];
    const { users } = await settleUsers(
      [queued([...'abcd'])],
      (_ids, _name, ordinal) => (ordinal === 1 ? error : undefined),
      {
        random: () => ranks.shift() ?? 0,
      },
    );
    expect(users.slice(0, 2)).toEqual(['a b c d', 'd c']);
  });

  it('sends one user alone in doubt', async () => {
    const { users } = await settleUsers(
      [queued([...'abcd'])],
      (_ids, _name, ordinal) => (ordinal === 1 ? error : undefined),
      {
        inDoubt: () => true,
      },
    );
    expect(users.slice(0, 2)).toEqual(['a b c d', 'a']);
  });
});

describe('a full group', () => {
  it('is filled to its last place, and full once a user alone has met it: nobody is asked for after that', async () => {
    const { outcome, users } = await settleUsers([queued([...'abcdef'])], room(3));
    expect(users).toEqual(['a b c d e f', 'a b c', 'd e', 'f']);
    expect(fates(outcome)).toEqual({
      ...{ a: 'joined', b: 'joined', c: 'joined' },
      f: 'GROUP_FULL, rejected',
      d: 'GROUP_FULL, not_sent',
      e: 'GROUP_FULL, not_sent',
    });
  });

  it('refuses nobody who may be in it already without asking for that user alone', async () => {
    const { outcome, users } = await settleUsers([queued([...'abcd'])], (_ids, _name, ordinal) =>
      ordinal === 1 ? INTERNAL : FULL,
    );
    expect(users).toEqual(['a b c d', 'a b', 'c d', 'a', 'c', 'b', 'd']);
    expect(new Set(Object.values(fates(outcome)))).toEqual(new Set(['GROUP_FULL, rejected']));
    expect(outcome.users.size).toBe(4);
  });

  it('leaves those undecided whose call may have joined them, and refuses those of its other calls', async () => {
    const { outcome } = await settleUsers([queued(people(1500))], (ids) => (ids.includes('u0') ? TIMEOUT : FULL));
    expect([...outcome.users.keys()].sort()).toEqual(people(1500).slice(1000).sort());
    expect([...outcome.users.values()].every((fate) => fate instanceof JoinError && fate.code === 'GROUP_FULL')).toBe(
      true,
    );
  });

  it('is not full because a call for several users met it', async () => {
    const { outcome } = await settleUsers([queued([...'abc'])], (ids) => {
      if (ids.length > 1) return FULL;
      return ids.includes('b') ? TIMEOUT : undefined;
    });
    expect(fates(outcome)).toEqual({ a: 'joined', c: 'joined' });
  });
});

describe('halves', () => {
  it.each([
    ['in order after a refusal', REJECTED, ['a b c d', 'a b', 'c d']],
    ['at random after an internal error', INTERNAL, ['a b c d', 'd c', 'b a']],
  ])('are drawn %s', async (_, error, users) => {
    const judge = includes('d', 'a')(error);
    const settled = await settleUsers([queued(['a', 'b', 'c', 'd'])], judge, { random: falling() });
    expect(settled.users.slice(0, 3)).toEqual(users);
  });
});
