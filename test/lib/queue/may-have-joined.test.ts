import { describe, expect, it } from 'vitest';
import { DeadConnection } from '../../../lib/rongcloud/transport.ts';
import { createBatchWorld, message, type WorldOptions } from '../../helpers/batch-world.ts';
import { INTERNAL } from '../../helpers/narrowed-group.ts';
import { people } from '../../helpers/queued-joins.ts';

type Judge = NonNullable<WorldOptions['judge']>;
type End = ReturnType<Judge>;

/** Ends each call in turn, and all after these like the last. */
const inTurn =
  (...ends: [End, ...End[]]): Judge =>
  (_call, ordinal) =>
    ends[Math.min(ordinal, ends.length) - 1];
const usersOf = (letters: readonly { body: string }[]): string[] =>
  letters.flatMap(({ body }) => JSON.parse(body).userIds);

describe('a user who may have joined', () => {
  it.each<[string, [End, ...End[]]]>([
    ['the replacement of a dead connection', [new DeadConnection(new Error('reset')), 'GROUP_FULL']],
    [
      'a call that was refused for rate between',
      [new DeadConnection(new Error('reset')), 'UPSTREAM_RATE_LIMITED', 'GROUP_FULL'],
    ],
  ])('is not refused because of %s', async (_what, ends) => {
    const { run, calls, letters } = createBatchWorld({ judge: inTurn(...ends) });
    const only = message('g', ['a']);
    expect(await run([only])).toMatchObject({ retained: [only.messageId], done: 0 });
    expect([calls.length, letters]).toEqual([ends.length, []]);
  });

  it('is not refused when another call finds the group full', async () => {
    const { run, letters } = createBatchWorld({
      judge: ({ userIds }) => (userIds.includes('u0') ? 'UPSTREAM_TIMEOUT' : 'GROUP_FULL'),
    });
    await run(people(1500).map((user) => message('g', [user])));
    expect(usersOf(letters)).toEqual(people(1500).slice(1000));
  });

  it('is asked for alone when the group is full, and refused for that answer alone', async () => {
    const { run, calls, letters } = createBatchWorld({ judge: inTurn(INTERNAL, 'GROUP_FULL') });
    expect(await run([...'abcd'].map((user) => message('g', [user])))).toMatchObject({ retained: [] });
    const alone = calls.filter(({ userIds }) => userIds.length === 1).flatMap(({ userIds }) => userIds);
    expect(alone.sort()).toEqual([...'abcd']);
    expect(usersOf(letters)).toEqual([...'abcd']);
  });
});
