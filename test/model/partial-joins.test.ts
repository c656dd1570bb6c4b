import { describe, expect, it } from 'vitest';
import type { JoinRequest } from '../../lib/join/join-request.ts';
import type { JoinReport } from '../../lib/join/join-users.ts';
import { toForm } from '../../lib/rongcloud/form.ts';
import { SeededRandom } from '../../tools/sim/seeded-random.ts';
import { createPartialWorld, type Trouble } from '../helpers/partial-world.ts';
import { people } from '../helpers/queued-joins.ts';

type World = ReturnType<typeof createPartialWorld>;
interface Scene {
  world: World;
  request: JoinRequest;
  refused: ReadonlySet<string>;
  before: ReadonlySet<string>;
}

const TROUBLES = ['hang', 'broken', 'dead', 'internal', 'error', 'cut', 'rate', 'unreachable', 'page'] as const;

function setScene(random: SeededRandom): Scene {
  const userIds = people(random.pick([1, 2, 3, 8, 50, 300, 1000, 1001, 3000]));
  const groupName = random.chance(0.4) ? 'Team' : undefined;
  const refused = new Set(userIds.filter(() => random.chance(0.02)));
  if (random.chance(0.3)) refused.add(random.pick(userIds));
  if (random.chance(0.5)) refused.clear();
  if (random.chance(0.3)) refused.add('Team');
  const capacity = random.chance(0.4) ? random.int(0, userIds.length + 2) : 5000;
  const chance = random.pick([0, 0, 0.05, 0.3]);
  const trouble = (): Trouble | undefined => (random.chance(chance) ? random.pick(TROUBLES) : undefined);
  const world = createPartialWorld({ random, refused, capacity, countsMembers: random.chance(0.5), trouble });
  world.admit(userIds.filter(() => random.chance(0.05)).slice(0, capacity));
  const request = { groupId: 'g', userIds, ...(groupName !== undefined && { groupName }) };
  return { world, request, refused, before: new Set(world.members()) };
}

/** The promises that an answer breaks. */
function* brokenPromises({ world, request, refused, before }: Scene, report: JoinReport): Generator<string> {
  const { sendings } = world;
  const members = world.members();
  const failed = report.failed.flatMap(({ userIds }) => userIds);
  if ([...report.joined, ...failed].sort().join() !== [...request.userIds].sort().join()) yield 'not each user once';
  for (const { offset, userIds, error } of report.failed) {
    const run = request.userIds.slice(offset, offset + userIds.length);
    if (run.join() !== userIds.join()) yield `an entry that is no run at ${offset}`;
    for (const userId of userIds) {
      const isNew = members.has(userId) && !before.has(userId);
      if (isNew && error.outcome !== 'unknown') yield `${userId} joined and is ${error.code}, ${error.outcome}`;
      if (error.code === 'UPSTREAM_REJECTED' && !refused.has(userId)) yield `${userId} is blamed and could join`;
      if (error.code === 'GROUP_FULL' && !world.isFull()) yield `${userId} found a place free`;
    }
  }
  for (const userId of report.joined) if (!members.has(userId)) yield `${userId} did not join`;
  const most = 24 + Math.ceil(request.userIds.length / 1000);
  if (sendings.length > most) yield `${sendings.length} sendings`;
  if (request.groupName === undefined) return;
  const { nameError } = report;
  const isDone = report.joined.length > 0 && !nameError;
  if (isDone && world.name() !== request.groupName) yield 'the group has no name, and nobody is told';
  if (nameError?.code === 'UPSTREAM_REJECTED' && !refused.has(request.groupName)) yield 'the name is blamed';
  if (nameError && nameError.outcome !== 'unknown' && world.name() !== undefined) yield 'the name was given and is not';
  if (nameError && report.joined.length === 0) yield 'a name without anybody';
}

describe('an answer about many users', () => {
  const schedules = 40 * Number(process.env.SCHEDULES ?? 100);

  it(`is true of each of them in ${schedules} schedules`, async () => {
    const broken: string[] = [];
    for (let seed = 0; seed < schedules; seed++) {
      const scene = setScene(new SeededRandom(seed));
      const report = await scene.world.join(scene.request);
      for (const promise of brokenPromises(scene, report)) broken.push(`seed ${seed}: ${promise}`);
    }
    expect(broken).toEqual([]);
  }, 120_000);

  const quiet = (refused: Iterable<string>, capacity = 3000) =>
    createPartialWorld({ random: new SeededRandom(1), refused, capacity });

  it.each([
    [50, 13],
    [1000, 22],
  ])('names the one of %i who is refused, wherever it stands, after %i calls at most', async (count, most) => {
    const userIds = people(count);
    for (const refused of count === 50 ? userIds : userIds.filter((_, i) => i % 37 === 0 || i === count - 1)) {
      const world = quiet([refused]);
      const { joined, failed } = await world.join({ groupId: 'g', userIds });
      expect(joined).toEqual(userIds.filter((userId) => userId !== refused));
      expect(failed).toMatchObject([{ userIds: [refused], error: { code: 'UPSTREAM_REJECTED', outcome: 'rejected' } }]);
      expect(world.sendings.length).toBeLessThanOrEqual(most);
    }
  });

  it('lets somebody join where 40 of 1000 are refused', async () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = new SeededRandom(seed);
      const userIds = people(1000);
      const refused = new Set<string>();
      while (refused.size < 40) refused.add(random.pick(userIds));
      const world = createPartialWorld({ random, refused });
      const { joined, failed } = await world.join({ groupId: 'g', userIds });
      expect(joined.length).toBeGreaterThan(0);
      expect(failed.some(({ error }) => error.code === 'UNDECIDED')).toBe(true);
    }
  });

  it('fills the two places of a group with two of three', async () => {
    const { joined, failed } = await quiet([], 2).join({ groupId: 'g', userIds: ['a', 'b', 'c'] });
    expect(joined).toEqual(['a', 'b']);
    expect(failed).toMatchObject([{ offset: 2, userIds: ['c'], error: { code: 'GROUP_FULL' } }]);
  });

  it.each([...TROUBLES.filter((kind) => kind !== 'dead' && kind !== 'page')])(
    'costs no more calls in an outage with %s than one call with its retries',
    async (kind) => {
      for (const count of [1, 50, 1000]) {
        const worlds = [0, 1].map(() => createPartialWorld({ random: new SeededRandom(7), trouble: () => kind }));
        const request = { groupId: 'g', userIds: people(count) };
        await worlds[0]?.join({ ...request, groupName: 'Team' });
        await worlds[1]?.call(toForm(request));
        expect(worlds[0]?.sendings.length).toBe(worlds[1]?.sendings.length);
      }
    },
  );

  it.each([1002, 405])('about one user costs one call, refused with %i or not', async (code) => {
    const world = quiet(code === 1002 ? ['u0'] : [], code === 405 ? 0 : 1);
    const [userId = ''] = people(1);
    await world.join({ groupId: 'g', userIds: [userId] });
    expect(world.sendings).toHaveLength(1);
    const other = quiet([]);
    await other.join({ groupId: 'g', userIds: [userId] });
    expect(other.sendings).toHaveLength(1);
  });
});
