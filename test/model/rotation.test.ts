import { expect, it } from 'vitest';
import { brokenPromises } from '../helpers/queue-model/checks.ts';
import { createWorld, START } from '../helpers/queue-model/world.ts';

it('a secret that changes in the middle of a batch costs it one read, and no message its turn', async () => {
  const at = START + 10_000;
  const world = createWorld({ secret: { rotations: [{ at, readableAt: at }], latencyMs: 1500 } });
  for (let i = 0; i < 1000; i++) world.queue.send(JSON.stringify({ groupId: `g${i}`, userIds: ['u'] }));
  const { im, lambda } = world;
  await world.run(() => world.queue.messages.size === 0, 3_600_000);
  expect.soft(lambda.invocations.length).toBe(1);
  // Those that were on their way.
  expect.soft(im.sendings.length).toBeLessThanOrEqual(1000 + 5);
  expect.soft(world.secretReads()).toBe(2);
  expect(brokenPromises(world)).toEqual([]);
});
