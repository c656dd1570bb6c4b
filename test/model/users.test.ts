import { describe, expect, it } from 'vitest';
import type { ContentFault } from '../../tools/sim/rongcloud.ts';
import { START, type WorldOptions } from '../../tools/sim/world.ts';
import { breaches, brokenPromises } from './promises/checks.ts';
import { isAtRest } from './promises/user-checks.ts';
import { QueueWorld } from './queue-world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const people = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);
const faulty = (ids: readonly string[], fault: ContentFault) => new Map(ids.map((id) => [id, fault]));
const oneEach = (userIds: readonly string[]) => userIds.map((userId) => ({ groupId: 'g', userIds: [userId] }));
/** Every so many of some, so that they stand apart. */
const every = (step: number, userIds: readonly string[]) => userIds.filter((_, i) => i % step === 0);
const joined = ({ rongCloud }: QueueWorld) => rongCloud.members('g').size;

function worldWith(messages: readonly object[], options: WorldOptions): QueueWorld {
  const world = new QueueWorld(options);
  for (const message of messages) world.queue.send(JSON.stringify(message));
  return world;
}

/** Chances decide which halves are tried first. */
describe.each([1, 2, 3])('users of one group, with chances of seed %i', (seed) => {
  it('joins 90 in their first delivery, in 250 calls, beside 10 that get an internal error', async () => {
    const users = people(100);
    const world = worldWith(oneEach(users), { seed, rongCloud: { userFaults: faulty(every(10, users), 1000) } });
    await world.run(() => true, HOUR_MS);
    expect.soft(world.lambda.invocations.length).toBe(1);
    expect.soft(joined(world)).toBe(90);
    expect.soft(world.rongCloud.calls.length).toBeLessThanOrEqual(250);
    expect(brokenPromises(world)).toEqual([]);
  });

  it.each([
    { refused: 100, minutes: 2 },
    { refused: 500, minutes: 10 },
  ])('joins the others of 1000 within $minutes minutes where $refused are refused', async ({ refused, minutes }) => {
    const users = people(1000);
    const bad = every(1000 / refused, users);
    const world = worldWith(oneEach(users), { seed, rongCloud: { userFaults: faulty(bad, 400) } });
    await world.run(() => joined(world) === 1000 - refused, 3 * HOUR_MS);
    expect.soft(joined(world)).toBe(1000 - refused);
    expect.soft((world.time.now() - START) / MINUTE_MS).toBeLessThanOrEqual(minutes);
    const wrongly = breaches(world).filter(({ promise }) => promise === 'nobody is refused who could join');
    expect(wrongly.length).toBe(0);
  });

  it('joins 2800 of a message of 3000 in three deliveries, and dead-letters the other 200', async () => {
    const users = people(3000);
    const bad = every(15, users);
    const world = worldWith([{ groupId: 'g', userIds: users }], { seed, rongCloud: { userFaults: faulty(bad, 1002) } });
    await world.run(() => joined(world) === 2800, 3 * HOUR_MS);
    expect.soft(joined(world)).toBe(2800);
    expect.soft(world.lambda.invocations.length).toBeLessThanOrEqual(3);
    await world.run(() => isAtRest(world), HOUR_MS);
    const letters = new Set(world.ledger.letters.flatMap(({ failed }) => failed));
    expect.soft(letters.size).toBe(200);
    expect(letters.symmetricDifference(new Set(bad)).size).toBe(0);
    expect(brokenPromises(world)).toEqual([]);
  });

  it('joins 1000 at once beside a name that gets an internal error', async () => {
    const messages = [
      { groupId: 'g', userIds: people(1000) },
      { groupId: 'g', userIds: ['x'], groupName: 'P' },
    ];
    const world = worldWith(messages, { seed, rongCloud: { nameFaults: faulty(['P'], 1000) } });
    await world.run(() => true, HOUR_MS);
    expect.soft(joined(world)).toBe(1001);
    expect(brokenPromises(world)).toEqual([]);
  });
});

it('blames no user for a refused name on a message that spans two calls', async () => {
  const blamed: number[] = [];
  for (let seed = 0; seed < 50; seed++) {
    const message = { groupId: 'g', userIds: people(2000), groupName: 'N' };
    const world = worldWith([message], { seed, rongCloud: { nameFaults: faulty(['N'], 1002), latencyMs: [20, 1000] } });
    await world.run(() => isAtRest(world), HOUR_MS);
    if (joined(world) < 2000 || brokenPromises(world).length > 0) blamed.push(seed);
  }
  expect(blamed).toEqual([]);
});

it('leaves to SQS after a day the user alone whom RongCloud has no answer for', async () => {
  const message = { groupId: 'g', userIds: people(20), groupName: 'N' };
  const world = worldWith([message], { rongCloud: { userFaults: faulty(['u7'], 1000) } });
  const letters = () => world.ledger.letters.map(({ code, userIds }) => `${code} ${userIds}`);
  await world.run(() => false, 23 * HOUR_MS);
  expect.soft(letters()).toEqual([]);
  await world.run(() => false, 3 * HOUR_MS);
  expect.soft(letters()).toEqual(['redriven u7']);
  expect.soft(joined(world)).toBe(19);
  expect(brokenPromises(world)).toEqual([]);
});
