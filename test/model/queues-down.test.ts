import { describe, expect, it } from 'vitest';
import { DEAD_LETTER_QUEUE_URL, QUEUE_URL } from '../../tools/sim/queue-door.ts';
import type { ContentFault } from '../../tools/sim/rongcloud.ts';
import { SeededRandom } from '../../tools/sim/seeded-random.ts';
import type { QueueTrouble, SqsTrouble } from '../../tools/sim/sqs.ts';
import { START, type WorldOptions } from '../../tools/sim/world.ts';
import type { Breach } from './promises/breach.ts';
import { breaches } from './promises/checks.ts';
import { lettersOfDeliveries, repeatedLetters, repeatedRests, watchForCopies } from './promises/copy-checks.ts';
import { QueueWorld } from './queue-world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SCHEDULES = 40;
const END = START + 12 * HOUR_MS;

/** Twelve hours in which SQS is at fault while RongCloud refuses some, has no answer for others, and fails at times. */
async function twelveHours(
  seed: number,
  trouble: readonly Omit<QueueTrouble, 'from' | 'until'>[],
): Promise<QueueWorld> {
  const random = new SeededRandom(seed);
  const userIds = Array.from({ length: random.int(4, 30) }, (_, i) => `user${i}`);
  const faults: readonly (ContentFault | undefined)[] = [undefined, undefined, 1002, 400, 1000, 'blocked'];
  const userFaults = new Map<string, ContentFault>();
  for (const userId of userIds) {
    const fault = random.pick(faults);
    if (fault !== undefined) userFaults.set(userId, fault);
  }
  const capacity = random.pick([3, 3000]);
  const world = new QueueWorld({
    seed,
    rongCloud: {
      userFaults,
      capacity,
      countsMembers: random.chance(0.5),
      trouble: Array.from({ length: random.int(0, 6) }, () => {
        const from = START + random.int(0, 12) * HOUR_MS;
        return { kind: random.pick(['hang', 'internal', 'dead', 'rate'] as const), from, until: from + 20 * MINUTE_MS };
      }),
      carriedOut: 0.5,
    },
    sqs: { trouble: trouble.map((one) => ({ ...one, from: START, until: END })), reorders: random.chance(0.5) },
    clockJumps: jumps(random),
  });
  for (let i = random.int(1, 6); i > 0; i--) {
    const userCount = random.int(1, userIds.length);
    const named = random.chance(0.3) && { groupName: `name ${i}` };
    world.queue.send(
      JSON.stringify({
        groupId: random.pick(['g', 'h']),
        userIds: random.sample(userIds, userCount),
        requestId: `request-${i}`,
        ...named,
      }),
    );
  }
  return world;
}

function jumps(random: SeededRandom): NonNullable<WorldOptions['clockJumps']> {
  return Array.from({ length: random.pick([0, 3]) }, () => ({
    at: START + random.int(0, 12 * HOUR_MS),
    byMs: random.pick([-1, 1]) * random.pick([2000, 2 * MINUTE_MS, HOUR_MS]),
  }));
}

/** What a queue at fault may not bring about, whatever it is. */
const HELD = ['no user is lost', 'nobody is refused who could join', 'a rest is smaller', 'the batch ends in time'];

async function found(
  trouble: readonly Omit<QueueTrouble, 'from' | 'until'>[],
  watch: (world: QueueWorld) => () => Iterable<Breach>,
): Promise<string[]> {
  const lines: string[] = [];
  for (let seed = 0; seed < SCHEDULES; seed++) {
    const world = await twelveHours(seed, trouble);
    const seen = watch(world);
    await world.run(() => false, 13 * HOUR_MS);
    const broken = breaches(world).filter(({ promise }) => HELD.includes(promise));
    for (const { promise, detail } of [...seen(), ...broken].slice(0, 3)) lines.push(`${seed}: ${promise}: ${detail}`);
  }
  return lines;
}

const WAYS: readonly SqsTrouble[] = ['stall', 'error', 'part'];

describe('in twelve hours', () => {
  it.each(WAYS)(
    'there are never more messages than there were while the dead-letter queue says %s',
    async (kind) => {
      const share = kind === 'part' ? 0.5 : 1;
      expect(await found([{ kind, share, queueUrl: DEAD_LETTER_QUEUE_URL }], watchForCopies)).toEqual([]);
    },
    60_000,
  );

  it.each<SqsTrouble>(['stall', 'error'])(
    'an environment sends one letter a user and hour while the queue says %s',
    async (kind) => {
      const trouble = [{ kind, queueUrl: QUEUE_URL }];
      expect(await found(trouble, (world) => () => repeatedLetters(world, END))).toEqual([]);
    },
    60_000,
  );

  it('an answer that is lost costs one message a message, environment and hour, and one letter a delivery', async () => {
    const watch = (world: QueueWorld) => () => [...repeatedRests(world), ...lettersOfDeliveries(world)];
    expect(await found([{ kind: 'late' }], watch)).toEqual([]);
    expect(await found([{ kind: 'late', share: 0.5 }], watch)).toEqual([]);
  }, 180_000);
});
