import { expect, it } from 'vitest';
import { START, type WorldOptions } from '../../tools/sim/world.ts';
import { brokenPromises } from './promises/checks.ts';
import { mostInOneSecond } from './promises/pace-checks.ts';
import { isAtRest } from './promises/user-checks.ts';
import { QueueWorld } from './queue-world.ts';

const HOUR_MS = 3_600_000;
const at = START + 10_000;

it.each<[string, WorldOptions]>([
  [
    'the secret changes, and its new value takes seconds to read',
    { secret: { rotations: [{ at, readableAt: at }], latencyMs: 4000 } },
  ],
  ['connections die', { rongCloud: { trouble: [{ kind: 'dead', from: START, until: START + HOUR_MS, share: 0.5 }] } }],
])('no second holds more starts than the rate and one while %s', async (_what, options) => {
  const world = new QueueWorld(options);
  for (let i = 0; i < 1000; i++) world.queue.send(JSON.stringify({ groupId: `g${i}`, userIds: ['u'] }));
  await world.run(() => isAtRest(world), 2 * HOUR_MS);
  const byEnvironment = Map.groupBy(world.rongCloud.calls, ({ environment }) => environment);
  const most = [...byEnvironment.values()].map((sendings) => mostInOneSecond(sendings.map((one) => one.at)));
  expect.soft(Math.max(...most)).toBeLessThanOrEqual(25);
  expect(brokenPromises(world)).toEqual([]);
});

it('has all its rate back soon after RongCloud refused some calls for theirs', async () => {
  const world = new QueueWorld({ rongCloud: { trouble: [{ kind: 'rate', from: START, until: START + 5000 }] } });
  for (let i = 0; i < 600; i++) world.queue.send(JSON.stringify({ groupId: `g${i}`, userIds: ['u'] }));
  await world.run(() => world.queue.messages.length === 0, 2 * HOUR_MS);
  expect.soft(world.lambda.invocations.length).toBe(1);
  expect(brokenPromises(world)).toEqual([]);
});

it('does not end a batch for one failure while many slow answers are on their way', async () => {
  const userFaults = new Map([['bad', 1000 as const]]);
  const world = new QueueWorld({ ratePerSecond: 48, rongCloud: { latencyMs: [1000, 1000], userFaults } });
  const userIds = ['bad', ...Array.from({ length: 900 }, (_, i) => `u${i}`)];
  for (const userId of userIds) world.queue.send(JSON.stringify({ groupId: userId, userIds: [userId] }));
  await world.run(() => true, HOUR_MS);
  expect.soft(world.lambda.invocations.length).toBe(1);
  expect.soft(userIds.filter((userId) => !world.rongCloud.members(userId).has(userId))).toEqual(['bad']);
  expect(brokenPromises(world)).toEqual([]);
});
