import type { CallTrouble, ContentFault } from '../../tools/sim/rongcloud.ts';
import { SeededRandom } from '../../tools/sim/seeded-random.ts';
import type { SqsTrouble } from '../../tools/sim/sqs.ts';
import type { Trouble } from '../../tools/sim/trouble.ts';
import { START, type WorldOptions } from '../../tools/sim/world.ts';
import { isAtRest } from './promises/user-checks.ts';
import { QueueWorld } from './queue-world.ts';

const MINUTE_MS = 60_000;
/** From here on nothing goes wrong any more but for what users and names are refused. */
const CALM_MS = 15 * MINUTE_MS;
/** Time enough after that for everyone to have joined. */
const REST_MS = 3 * 60 * MINUTE_MS;
const CALL_TROUBLES = [
  'internal',
  'error',
  'hang',
  'broken',
  'dead',
  'cut',
  'unreachable',
  'rate',
  'page',
] as const satisfies readonly CallTrouble[];
const SQS_TROUBLES = ['stall', 'late', 'error', 'part'] as const satisfies readonly SqsTrouble[];

/** Who and what a schedule is about. */
interface Ids {
  users: readonly string[];
  groups: readonly string[];
  names: readonly string[];
}

/** Runs the world that a seed describes until it is at rest, or should be. */
export async function runSchedule(seed: number, options: WorldOptions = {}): Promise<QueueWorld> {
  const random = new SeededRandom(seed);
  const ids: Ids = {
    users: userIds(random),
    groups: Array.from({ length: random.chance(0.8) ? random.int(1, 4) : 40 }, (_, i) => `group${i}`),
    names: Array.from({ length: 8 }, (_, i) => `name ${i}`),
  };
  const capacity = random.chance(0.4) ? random.int(2, 30) : 3000;
  const world = new QueueWorld({
    seed,
    clockJumps: clockJumps(seed),
    ...worldOptions(random, ids, capacity),
    ...options,
  });
  for (const groupId of ids.groups) {
    if (capacity < 3000 && random.chance(0.5)) world.rongCloud.fill(groupId, random.int(0, capacity));
  }
  const messages = bodies(random, ids);
  let waiting = messages.length;
  for (const body of messages) {
    const afterMs = random.chance(0.7) ? random.int(0, 2000) : random.int(0, 5 * MINUTE_MS);
    void world.time.sleep(afterMs).then(() => {
      waiting -= 1;
      world.queue.send(body);
    });
  }
  await world.run(() => waiting === 0 && isAtRest(world), CALM_MS + REST_MS);
  return world;
}

function worldOptions(random: SeededRandom, { users, names }: Ids, capacity: number): WorldOptions {
  return {
    ratePerSecond: random.pick([3, 8, 24]),
    mishaps: mishaps(random),
    rongCloud: {
      userFaults: faults(random, users),
      nameFaults: faults(random, names),
      capacity,
      countsMembers: random.chance(0.5),
      callsPerSecond: random.chance(0.2) ? random.int(10, 30) : 100,
      countsRefused: random.chance(0.5),
      latencyMs: random.pick([[5, 20] as const, [20, 120] as const, [50, 2000] as const]),
      trouble: troubles(random, CALL_TROUBLES),
      carriedOut: random.pick([0, 0.5, 1]),
    },
    secret: {
      rotations: Array.from({ length: random.pick([0, 0, 1, 2]) }, () => {
        const at = START + random.int(0, CALM_MS);
        return { at, readableAt: at + random.int(-10_000, MINUTE_MS) };
      }),
      trouble: troubles(random, ['stall', 'error'] as const),
    },
    sqs: {
      trouble: troubles(random, SQS_TROUBLES),
      reorders: random.chance(0.7),
      duplicates: { share: random.pick([0, 0.02, 0.1]), until: START + CALM_MS },
    },
  };
}

function bodies(random: SeededRandom, { users, groups, names }: Ids): string[] {
  const named = random.pick([0, 0.1, 0.5]);
  // Long ids are costly to encode.
  return Array.from({ length: random.int(1, users.length > 50 ? 4 : 40) }, (_, i) => {
    if (random.chance(0.02)) return random.pick(['{', `{"groupId":"group0","userIds":[],"n":${i}}`, `"text ${i}"`]);
    return JSON.stringify({
      groupId: random.pick(groups),
      userIds: random.sample(users, messageSize(random)),
      ...(random.chance(named) && { groupName: random.pick(names) }),
      ...(random.chance(0.8) && { requestId: `request-${i}` }),
    });
  });
}

/** In some worlds ids are as long as they get, so that fewer than 200 fill a call. */
function userIds(random: SeededRandom): string[] {
  const isLong = random.chance(0.05);
  return Array.from({ length: isLong ? 200 : random.int(5, 50) }, (_, i) =>
    isLong ? `${i}`.padEnd(64, '界') : `user${i}`,
  );
}

function messageSize(random: SeededRandom): number {
  if (random.chance(0.7)) return 1;
  return random.chance(0.7) ? random.int(2, 8) : random.int(9, 200);
}

function faults(random: SeededRandom, ids: readonly string[]): Map<string, ContentFault> {
  const shares = [
    [1002, random.pick([0, 0, 0.1, 0.5])],
    [400, random.pick([0, 0, 0.1])],
    [1000, random.pick([0, 0, 0.05])],
    ['blocked', random.pick([0, 0, 0.05])],
  ] as const;
  return new Map(
    ids.flatMap((id) => {
      const fault = shares.find(([, share]) => random.chance(share))?.[0];
      return fault === undefined ? [] : [[id, fault] as const];
    }),
  );
}

function troubles<Kind extends string>(random: SeededRandom, kinds: readonly Kind[]): Trouble<Kind>[] {
  return Array.from({ length: random.pick([0, 0, 1, 3]) }, () => {
    const from = START + random.int(0, CALM_MS - MINUTE_MS);
    const until = Math.min(START + CALM_MS, from + random.pick([1000, 10_000, 100_000, 5 * MINUTE_MS]));
    return { kind: random.pick(kinds), from, until, share: random.pick([0.1, 0.5, 1]) };
  });
}

/** Clocks are set in some worlds. Their chances are others, so that they change nothing else. */
function clockJumps(seed: number): NonNullable<WorldOptions['clockJumps']> {
  const random = new SeededRandom(seed + 1_000_003);
  return Array.from({ length: random.pick([0, 0, 1, 4]) }, () => ({
    at: START + random.int(0, CALM_MS),
    byMs: random.pick([-1, 1]) * random.pick([2000, 2 * MINUTE_MS, 60 * MINUTE_MS]),
  }));
}

function mishaps(random: SeededRandom): NonNullable<WorldOptions['mishaps']> {
  const share = (): number => random.pick([0, 0, 0.3]);
  return { until: START + CALM_MS, crashed: share(), unacknowledged: share(), replaced: share() };
}
