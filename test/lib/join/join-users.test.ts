import { describe, expect, it } from 'vitest';
import type { JoinErrorCode } from '../../../lib/errors.ts';
import type { JoinReport } from '../../../lib/join/join-users.ts';
import { SeededRandom } from '../../../tools/sim/seeded-random.ts';
import { createPartialWorld, type Trouble } from '../../helpers/partial-world.ts';
import { people } from '../../helpers/queued-joins.ts';

/** A world in which the nth sending meets the nth trouble, a code of RongCloud's included. */
function worldWith(
  troubles: (Trouble | number | undefined)[],
  more: { refused?: string[]; capacity?: number; countsMembers?: boolean } = {},
): ReturnType<typeof createPartialWorld> {
  return createPartialWorld({
    random: new SeededRandom(1),
    trouble: (ordinal) => troubles[ordinal - 1],
    ...more,
  });
}

const sizes = ({ sendings }: ReturnType<typeof createPartialWorld>) => sendings.map(({ userIds }) => userIds.length);
const failures = ({ failed }: JoinReport) =>
  failed.map(({ offset, userIds, error }) => [offset, userIds.length, error.code, error.outcome]);

describe('the calls of a request', () => {
  it('are three for 2500 users, each user once, order kept, and the name goes with one', async () => {
    const world = worldWith([]);
    const report = await world.join({ groupId: 'g', userIds: people(2500), groupName: 'Team' });
    expect(report).toEqual({ groupId: 'g', joined: people(2500), failed: [] });
    expect(world.sendings.flatMap(({ userIds }) => userIds)).toEqual(people(2500));
    expect(world.sendings.map(({ groupName }) => groupName)).toEqual(['Team', undefined, undefined]);
  });

  it.each([
    [1006, 'UPSTREAM_MISCONFIGURED'],
    [1004, 'UPSTREAM_CREDENTIALS'],
  ] as const)('end with a return code %i, which is said of the rest', async (code, expected) => {
    const world = worldWith([undefined, code]);
    const report = await world.join({ groupId: 'g', userIds: people(2500) });
    expect(sizes(world)).toEqual([1000, 1000]);
    expect(report.joined).toEqual(people(1000));
    expect(failures(report)).toEqual([
      [1000, 1000, expected, 'rejected'],
      [2000, 500, expected, 'not_sent'],
    ]);
  });

  it('end with the time', async () => {
    const report = await worldWith([]).join({ groupId: 'g', userIds: people(2500) }, 999);
    expect(failures(report)).toEqual([[0, 2500, 'DEADLINE_EXCEEDED', 'not_sent']]);
  });

  it('go on after one that no domain answered', async () => {
    const world = worldWith([undefined, 'broken', 'broken', 'broken']);
    const report = await world.join({ groupId: 'g', userIds: people(2500) });
    expect(failures(report)).toEqual([[1000, 1000, 'UPSTREAM_UNAVAILABLE', 'unknown']]);
    expect(report.joined).toHaveLength(1500);
  });

  it('are one if that is refused for its only user', async () => {
    const world = worldWith([], { refused: ['u0'] });
    expect(failures(await world.join({ groupId: 'g', userIds: ['u0'] }))).toEqual([
      [0, 1, 'UPSTREAM_REJECTED', 'rejected'],
    ]);
    expect(sizes(world)).toEqual([1]);
  });
});

describe('the narrowing of a request', () => {
  it('says of each user what became of it, one entry for users side by side', async () => {
    const world = worldWith([], { refused: ['u1', 'u2', 'u5'] });
    const report = await world.join({ groupId: 'g', userIds: people(8) });
    expect(report.joined).toEqual(['u0', 'u3', 'u4', 'u6', 'u7']);
    expect(report.failed.map(({ offset, userIds }) => [offset, userIds])).toEqual([
      [1, ['u1', 'u2']],
      [5, ['u5']],
    ]);
  });

  it.each<Trouble>(['rate', 'hang', 'unreachable', 'internal'])('ends with %s', async (trouble) => {
    const world = worldWith([undefined, trouble], { refused: ['u0'] });
    const report = await world.join({ groupId: 'g', userIds: people(4) });
    expect(sizes(world)).toEqual([4, 2]);
    expect(report.failed.map(({ error }) => error.code)).toEqual(Array(report.failed.length).fill('UNDECIDED'));
    const isUnknown = trouble === 'hang' || trouble === 'internal';
    expect(failures(report)[0]).toEqual([0, isUnknown ? 2 : 4, 'UNDECIDED', isUnknown ? 'unknown' : 'rejected']);
  });

  it('does not begin while RongCloud has just failed on every domain', async () => {
    const world = worldWith(['broken', 'broken', 'broken'], { refused: ['u0'] });
    await world.join({ groupId: 'g', userIds: ['x'] });
    const before = world.sendings.length;
    const report = await world.join({ groupId: 'g', userIds: people(4) });
    expect(world.sendings.length - before).toBe(1);
    expect(failures(report)).toEqual([[0, 4, 'UNDECIDED', 'rejected']]);
  });

  it('takes no retry from the budget, and gives none back', async () => {
    const world = worldWith([undefined, 'rate', ...Array(20).fill('broken')], { refused: ['u0'] });
    await world.join({ groupId: 'g', userIds: people(2) });
    expect(sizes(world)).toEqual([2, 1]);
    await world.join({ groupId: 'g', userIds: ['x'] });
    // Two retries are left, as an environment has them at its start.
    expect(sizes(world)).toEqual([2, 1, 1, 1, 1]);
  });

  it('asks users alone who may be members already when the group is full', async () => {
    const world = worldWith(['dead'], { capacity: 2 });
    world.admit(['u2']);
    const report = await world.join({ groupId: 'g', userIds: people(3) });
    expect(report.joined).toContain('u2');
    expect(world.members().size).toBe(2);
  });
});

describe('the name of a request', () => {
  const named = (count: number) => ({ groupId: 'g', userIds: people(count), groupName: 'Team' });

  it('alone is refused where the users join without it', async () => {
    const world = worldWith([], { refused: ['Team'] });
    const report = await world.join(named(3));
    expect(report).toMatchObject({ joined: people(3), failed: [], nameError: { code: 'UPSTREAM_REJECTED' } });
    expect(world.sendings.map(({ groupName }) => groupName)).toEqual(['Team', undefined]);
  });

  it('goes once more with one who joined where users are refused too', async () => {
    const world = worldWith([], { refused: ['u0'] });
    const report = await world.join(named(2));
    expect([report.joined, report.nameError, world.name()]).toEqual([['u1'], undefined, 'Team']);
    expect(world.sendings.at(-1)).toMatchObject({ userIds: ['u1'], groupName: 'Team' });
    const both = await worldWith([], { refused: ['u0', 'Team'] }).join(named(2));
    expect(both).toMatchObject({ joined: ['u1'], failed: [{ userIds: ['u0'] }], nameError: { outcome: 'rejected' } });
    expect(both.isNameOpen).toBeUndefined();
  });

  it('is not spoken of where nobody joined', async () => {
    const report = await worldWith([], { refused: ['Team', 'u0'] }).join(named(1));
    expect(report.nameError).toBeUndefined();
    expect(failures(report)).toEqual([[0, 1, 'UPSTREAM_REJECTED', 'rejected']]);
  });

  it.each<[string, (Trouble | undefined)[], JoinErrorCode, string]>([
    ['the narrowing ended before it', [undefined, undefined, undefined, 'rate'], 'UNDECIDED', 'rejected'],
    ['its call had no answer', ['hang', 'hang', 'hang'], 'UPSTREAM_TIMEOUT', 'unknown'],
  ])('is open where %s', async (_why, troubles, code, outcome) => {
    const count = troubles[0] ? 1001 : 4;
    const world = worldWith(troubles, troubles[0] ? {} : { refused: ['u3'] });
    const report = await world.join({ ...named(count) }, 30_000);
    expect(report.joined.length).toBeGreaterThan(0);
    expect([report.nameError?.code, report.nameError?.outcome, report.isNameOpen]).toEqual([code, outcome, true]);
  });

  it('leaves its users undecided where the call without it is not sent', async () => {
    const report = await worldWith([1002, 'unreachable', 'unreachable', 'unreachable']).join(named(2));
    expect(failures(report)).toEqual([[0, 2, 'UNDECIDED', 'rejected']]);
  });

  it('may have been given by a call that did not say', async () => {
    // The 4 users join on the connection that dies, and take places again when they are named again.
    const world = worldWith(['dead', undefined, undefined, 'rate'], { capacity: 6, countsMembers: true });
    const report = await world.join(named(4));
    expect([report.joined, world.name()]).toEqual([['u0', 'u1'], 'Team']);
    expect(report.nameError).toMatchObject({ code: 'UNDECIDED', outcome: 'unknown' });
  });
});
