import { expect, it } from 'vitest';
import { brokenPromises } from '../helpers/queue-model/checks.ts';
import { createWorld, START } from '../helpers/queue-model/world.ts';

it.each([
  { answerMs: 50, afterMs: 10_000, most: 5 },
  { answerMs: 1000, afterMs: 10_000, most: 30 },
  { answerMs: 3000, afterMs: 10_000, most: 80 },
  { answerMs: 1000, afterMs: 2600, most: 30 },
])(
  'a secret that changes $afterMs ms on costs a batch one read, and no message its turn, with answers after $answerMs ms',
  async ({ answerMs, afterMs, most }) => {
    const at = START + afterMs;
    const world = createWorld({
      secret: { rotations: [{ at, readableAt: at }], latencyMs: 1500 },
      im: { latencyMs: [answerMs, answerMs] },
    });
    for (let i = 0; i < 900; i++) world.queue.send(JSON.stringify({ groupId: `g${i}`, userIds: ['u'] }));
    const { im, lambda } = world;
    await world.run(() => world.queue.messages.size === 0, 3_600_000);
    expect.soft(lambda.invocations.length).toBe(1);
    // Those that were on their way.
    expect.soft(im.sendings.length).toBeLessThanOrEqual(900 + most);
    expect.soft(world.secretReads()).toBe(2);
    expect(brokenPromises(world)).toEqual([]);
  },
);
