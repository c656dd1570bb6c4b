import { expect, it } from 'vitest';
import { START } from '../../tools/sim/world.ts';
import { brokenPromises } from './promises/checks.ts';
import { QueueWorld } from './queue-world.ts';

it.each([
  { answerMs: 50, afterMs: 10_000, most: 5 },
  { answerMs: 1000, afterMs: 10_000, most: 30 },
  { answerMs: 3000, afterMs: 10_000, most: 80 },
  { answerMs: 1000, afterMs: 2900, most: 30 },
])(
  'a secret that changes $afterMs ms on costs a batch one read, and no message its turn, with answers after $answerMs ms',
  async ({ answerMs, afterMs, most }) => {
    const at = START + afterMs;
    const world = new QueueWorld({
      secret: { rotations: [{ at, readableAt: at }], latencyMs: 1500 },
      rongCloud: { latencyMs: [answerMs, answerMs] },
    });
    for (let i = 0; i < 900; i++) world.queue.send(JSON.stringify({ groupId: `g${i}`, userIds: ['u'] }));
    const { rongCloud, lambda } = world;
    await world.run(() => world.queue.messages.length === 0, 3_600_000);
    expect.soft(lambda.invocations.length).toBe(1);
    // Those that were on their way.
    expect.soft(rongCloud.calls.length).toBeLessThanOrEqual(900 + most);
    expect.soft(world.secret.reads).toBe(2);
    expect(brokenPromises(world)).toEqual([]);
  },
);
