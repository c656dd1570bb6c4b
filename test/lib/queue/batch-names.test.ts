import { describe, expect, it } from 'vitest';
import { createBatchWorld, message, type WorldOptions } from '../../helpers/batch-world.ts';

type Judge = NonNullable<WorldOptions['judge']>;

/** Refuses these users and names. */
const refuses =
  (...bad: string[]): Judge =>
  ({ userIds, groupName = '' }) =>
    [...userIds, groupName].some((one) => bad.includes(one)) ? 'UPSTREAM_REJECTED' : undefined;
const older = message('g', ['a'], { groupName: 'Older' }, 1);
const newer = message('g', ['b'], { groupName: 'Newer' }, 2);
/** The calls of a batch, their users with spaces between, and the name behind a slash. */
const inWords = (calls: readonly { userIds: readonly string[]; groupName: string | undefined }[]): string[] =>
  calls.map(({ userIds, groupName }) => [userIds.join(' '), groupName].filter((one) => one !== undefined).join(' / '));

describe('the names of a batch', () => {
  it.each([
    ['last', [older, newer], 'a b / Newer'],
    ['first', [newer, older], 'b a / Newer'],
  ])('are the newest one, which came %s, and one call', async (_where, messages, call) => {
    const { run, calls } = createBatchWorld();
    expect(await run(messages)).toMatchObject({ done: 2, requeued: 0 });
    expect(inWords(calls)).toEqual([call]);
  });

  it('cost one call each that RongCloud refuses, and the next newest has its turn', async () => {
    const { run, calls, letters } = createBatchWorld({ judge: refuses('Newer') });
    await run([older, newer]);
    expect(inWords(calls)).toEqual(['a b / Newer', 'a b', 'a / Older']);
    expect(letters.map(({ body }) => JSON.parse(body).groupName)).toEqual(['Newer']);
  });

  it('cost no call where a group is full', async () => {
    const { run, calls } = createBatchWorld({ capacity: 0 });
    await run([newer]);
    expect(inWords(calls)).toEqual(['b / Newer']);
  });

  it('stay in their order while RongCloud has no answer to the newest', async () => {
    const { run, calls, rests } = createBatchWorld({
      judge: (call, ordinal) => (ordinal > 2 && call.groupName ? 'UPSTREAM_TIMEOUT' : refuses('x')(call, ordinal)),
    });
    const named = message('g', ['b', 'c'], { groupName: 'Newer' }, 2);
    await run([older, named, message('g', ['x'])]);
    expect(calls.flatMap(({ groupName }) => groupName ?? [])).toEqual(['Newer', 'Newer']);
    expect(rests.map(({ body }) => JSON.parse(body).groupName)).toEqual(['Newer']);
  });

  it('go to the dead-letter queue with a user who joined, so that they can be put back', async () => {
    const { run, letters } = createBatchWorld({ judge: refuses('x', 'Bad') });
    await run([message('g', ['x', 'a'], { groupName: 'Bad' })]);
    expect(letters.map(({ body }) => JSON.parse(body))).toMatchObject([
      { userIds: ['x'] },
      { userIds: ['a'], groupName: 'Bad' },
    ]);
  });
});
