import { expect, it } from 'vitest';
import { QUEUE_URL } from '../../tools/sim/queue-door.ts';
import type { QueueTrouble } from '../../tools/sim/sqs.ts';
import { START } from '../../tools/sim/world.ts';
import { brokenPromises } from './promises/checks.ts';
import { QueueWorld } from './queue-world.ts';

const MINUTE_MS = 60_000;

/** Users of a group each, while RongCloud fails for some minutes. */
function failing(minutes: number, users: number): QueueWorld {
  const until = START + minutes * MINUTE_MS;
  const world = new QueueWorld({ rongCloud: { trouble: [{ kind: 'error', from: START, until }] } });
  for (let i = 0; i < users; i++) world.queue.send(JSON.stringify({ groupId: `g${i}`, userIds: ['u'] }));
  return world;
}

it('joins all within two minutes where a trouble takes half of one', async () => {
  const world = failing(0.5, 100);
  expect.soft(await world.run(() => world.queue.messages.length === 0, 2 * MINUTE_MS)).toBe(true);
  expect(brokenPromises(world)).toEqual([]);
});

it('brings messages back spread over a minute, not all at once', async () => {
  const world = failing(2, 100);
  await world.run(() => false, 75_000);
  const [, ...again] = world.lambda.invocations.map(({ event }) => event.Records.length);
  expect.soft(again.length).toBeGreaterThan(3);
  expect(Math.max(...again)).toBeLessThan(50);
});

it('delivers a message 16 times at most in an hour of trouble, so that its deliveries last for a day', async () => {
  const world = failing(60, 1);
  await world.run(() => false, 60 * MINUTE_MS);
  const [message] = world.queue.messages;
  expect.soft(message?.receiveCount).toBeGreaterThan(10);
  expect(message?.receiveCount).toBeLessThanOrEqual(16);
});

it.each(['error', 'stall'] as const)('lets those go who joined while the queue says %s to others', async (kind) => {
  const trouble: QueueTrouble[] = [{ kind, queueUrl: QUEUE_URL, from: START, until: START + 60 * MINUTE_MS }];
  const userFaults = new Map([['bad', 1000 as const]]);
  const world = new QueueWorld({ rongCloud: { userFaults }, sqs: { trouble } });
  for (const userId of ['a', 'bad']) world.queue.send(JSON.stringify({ groupId: userId, userIds: [userId] }));
  await world.run(() => true, 60 * MINUTE_MS);
  expect.soft(world.lambda.invocations.map(({ end }) => end)).toEqual(['answered']);
  expect(world.queue.messages.length).toBe(1);
});
