import { describe, expect, it } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import type { Fates } from '../../../lib/join/settle.ts';
import type { QueuedJoin } from '../../../lib/queue/message.ts';
import { verdictOn } from '../../../lib/queue/verdict.ts';
import { queued } from '../../helpers/queued-joins.ts';

const REJECTED = new JoinError('UPSTREAM_REJECTED');
const FULL = new JoinError('GROUP_FULL');

/** What became of a group, by user: who is left out is undecided. */
function fates(
  users: Readonly<Record<string, 'joined' | JoinError>>,
  names: { namedBy?: QueuedJoin; refused?: readonly QueuedJoin[] } = {},
): Fates<QueuedJoin> {
  return {
    fateOf: (userId) => users[userId],
    mayHaveJoined: () => false,
    refusedNames: new Map(names.refused?.map((message) => [message, REJECTED])),
    namedBy: names.namedBy,
  };
}

/** The verdict on a message that may be split. */
const verdictOf = (message: QueuedJoin, outcome: Fates<QueuedJoin>) => verdictOn(message, outcome, true);

describe('the users of a message', () => {
  it('are done when all have joined', () => {
    const message = queued(['a', 'b']);
    expect(verdictOf(message, fates({ a: 'joined', b: 'joined', c: FULL }))).toEqual({
      message,
      joined: 2,
      refused: 0,
      undecided: 0,
      code: undefined,
      stays: false,
      refusedParts: [],
      rest: undefined,
    });
  });

  it('stay as they are when none is decided', () => {
    const message = queued(['a', 'b'], { groupName: 'Team' });
    expect(verdictOf(message, fates({}))).toEqual({
      message,
      joined: 0,
      refused: 0,
      undecided: 2,
      code: undefined,
      stays: true,
      refusedParts: [],
      rest: undefined,
    });
  });

  it('are told apart: the refused with the code of the first, the undecided as the rest, order kept', () => {
    const message = queued(['e', 'd', 'c', 'b', 'a']);
    const verdict = verdictOf(message, fates({ a: 'joined', b: REJECTED, d: FULL }));
    expect(verdict).toEqual({
      message,
      joined: 1,
      refused: 2,
      undecided: 2,
      code: 'GROUP_FULL',
      stays: false,
      refusedParts: [{ request: { groupId: 'g', userIds: ['d', 'b'] }, code: 'GROUP_FULL', failedCount: 2 }],
      rest: { groupId: 'g', userIds: ['e', 'c'] },
    });
  });

  it('stay together where a message may not be split, though the refused have a letter', () => {
    const message = queued(['a', 'b', 'c']);
    const outcome = fates({ a: 'joined', b: REJECTED });
    expect(verdictOn(message, outcome, true)).toMatchObject({ stays: false, rest: { userIds: ['c'] } });
    expect(verdictOn(message, outcome, false)).toMatchObject({
      ...{ joined: 1, refused: 1, undecided: 1 },
      stays: true,
    });
    expect(verdictOn(message, outcome, false).rest).toBeUndefined();
    expect(verdictOn(message, outcome, false).refusedParts).toHaveLength(1);
    expect(verdictOn(queued(['a']), outcome, false)).toMatchObject({ joined: 1, stays: false });
  });

  it('leave no rest when all are refused', () => {
    const verdict = verdictOf(queued(['a'], { groupName: 'Team' }), fates({ a: REJECTED }));
    expect(verdict).toMatchObject({ refused: 1, stays: false, rest: undefined });
    expect(verdict.refusedParts).toEqual([
      { request: { groupId: 'g', userIds: ['a'] }, code: 'UPSTREAM_REJECTED', failedCount: 1 },
    ]);
  });
});

describe('the name of a message', () => {
  const named = (userIds: readonly string[], sentAt = 5) => queued(userIds, { groupName: 'Team', sentAt });

  it('goes with the rest while it is neither given nor refused', () => {
    expect(verdictOf(named(['a', 'b']), fates({ a: 'joined' })).rest).toEqual({
      groupId: 'g',
      userIds: ['b'],
      groupName: 'Team',
    });
  });

  it.each([
    ['an older message named the group', 4, { groupName: 'Team' }],
    ['a message of the same time named the group', 5, {}],
    ['a newer message named the group', 6, {}],
  ])('when %s', (_when, sentAt, name) => {
    const namedBy = queued(['z'], { sentAt, groupName: 'Other' });
    const { rest } = verdictOf(named(['a', 'b']), fates({ a: 'joined' }, { namedBy }));
    expect(rest).toEqual({ groupId: 'g', userIds: ['b'], ...name });
  });

  it('is not asked for again by the message that gave it', () => {
    const message = named(['a', 'b']);
    expect(verdictOf(message, fates({ a: 'joined' }, { namedBy: message })).rest).toEqual({
      groupId: 'g',
      userIds: ['b'],
    });
    const all = fates({ a: 'joined', b: 'joined' }, { namedBy: message });
    expect(verdictOf(message, all)).toMatchObject({ stays: false, rest: undefined });
  });

  it('goes with the first user who joined, when nobody else is left', () => {
    expect(verdictOf(named(['x', 'a', 'b']), fates({ x: REJECTED, a: 'joined', b: 'joined' }))).toMatchObject({
      joined: 2,
      undecided: 0,
      stays: false,
      rest: { groupId: 'g', userIds: ['a'], groupName: 'Team' },
    });
  });

  it('keeps a message of one user on the queue as it is', () => {
    expect(verdictOf(named(['a']), fates({ a: 'joined' }))).toMatchObject({
      joined: 1,
      undecided: 0,
      stays: true,
      refusedParts: [],
      rest: undefined,
    });
  });

  it('is refused with a user of its message who joined, so that it can be put back, and else with the first', () => {
    const message = named(['bad', 'a', 'b']);
    const carriers = (users: Parameters<typeof fates>[0]) =>
      verdictOf(message, fates(users, { refused: [message] })).refusedParts.at(-1)?.request.userIds;
    expect(carriers({ bad: REJECTED, a: 'joined', b: 'joined' })).toEqual(['a']);
    expect(carriers({ bad: REJECTED })).toEqual(['bad']);
  });

  it('is no part of the rest once it is refused', () => {
    const message = named(['a', 'b']);
    const verdict = verdictOf(message, fates({ a: 'joined' }, { refused: [message] }));
    expect(verdict).toMatchObject({ joined: 1, refused: 0, undecided: 1, code: 'UPSTREAM_REJECTED' });
    expect(verdict.refusedParts).toEqual([
      { request: { groupId: 'g', userIds: ['a'], groupName: 'Team' }, code: 'UPSTREAM_REJECTED', failedCount: 0 },
    ]);
    expect(verdict.rest).toEqual({ groupId: 'g', userIds: ['b'] });
  });

  it('is refused apart from users that are refused, whose code comes first', () => {
    const message = named(['a', 'b']);
    const verdict = verdictOf(message, fates({ a: 'joined', b: FULL }, { refused: [message] }));
    expect(verdict).toMatchObject({ code: 'GROUP_FULL', stays: false, rest: undefined });
    expect(verdict.refusedParts).toEqual([
      { request: { groupId: 'g', userIds: ['b'] }, code: 'GROUP_FULL', failedCount: 1 },
      { request: { groupId: 'g', userIds: ['a'], groupName: 'Team' }, code: 'UPSTREAM_REJECTED', failedCount: 0 },
    ]);
  });
});
