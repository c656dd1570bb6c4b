import { expect, it } from 'vitest';
import { START } from '../../tools/sim/world.ts';
import { breaches } from './promises/checks.ts';
import { QueueWorld } from './queue-world.ts';

const SECOND_MS = 1000;
/** The secret is read in the first seconds and is fresh for so long. */
const FRESH_MS = 300 * SECOND_MS;
const LONG_MS = 3600 * SECOND_MS;

type Stalling = ReadonlySet<'im' | 'secret' | 'rotation' | 'sqs'>;

/** A batch with more to narrow down than a minute has slots for, while things stall from some second of it on. */
async function longBatch(stalling: Stalling, second: number): Promise<QueueWorld> {
  const from = START + FRESH_MS;
  const window = { from, until: from + LONG_MS };
  const userIds = Array.from({ length: 400 }, (_, i) => `u${i}`);
  const world = new QueueWorld({
    ratePerSecond: 4,
    rongCloud: {
      userFaults: new Map(userIds.map((userId, i) => [userId, i % 2 ? 400 : 1002])),
      trouble: stalling.has('im') ? [{ kind: 'hang', ...window }] : [],
    },
    secret: {
      rotations: stalling.has('rotation') ? [{ at: from, readableAt: from }] : [],
      trouble: stalling.has('secret') ? [{ kind: 'stall', ...window }] : [],
    },
    sqs: { trouble: stalling.has('sqs') ? [{ kind: 'stall', ...window }] : [] },
  });
  const { time, queue } = world;
  const send = (userId: string, i: number): void => {
    queue.send(JSON.stringify({ groupId: `g${i % 8}`, userIds: [userId] }));
  };
  await time.run(
    (async () => {
      send('first', 0);
      await world.deliver();
      await time.sleep(FRESH_MS - second * SECOND_MS - (time.now() - START));
      userIds.forEach(send);
      await world.deliver();
    })(),
  );
  return world;
}

const STALLING = ['im', 'secret', 'rotation', 'sqs'] as const;
/** Every choice of what stalls. A rotation makes the secret be read again. */
const choices = Array.from({ length: 16 }, (_, bits) => STALLING.filter((_, i) => bits & (1 << i)));

it.each(choices.map((stalling) => ({ stalling, what: stalling.join(' and ') || 'nothing' })))(
  'a batch ends a second before its limit while $what stalls from some second on',
  async ({ stalling }) => {
    const late: string[] = [];
    for (const second of [0, 20, 40, 45, 48, 50, 51, 52, 53, 53.5, 54, 54.5]) {
      const world = await longBatch(new Set(stalling), second);
      const found = breaches(world).find(({ promise }) => promise === 'the batch ends in time');
      if (found) late.push(`from second ${second}: ${found.detail}`);
    }
    expect(late).toEqual([]);
  },
);
