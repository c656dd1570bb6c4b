import { describe, expect, it } from 'vitest';
import { createPlainDoor, type Flaw } from './plain-door.ts';
import type { Promised } from './promises/breach.ts';
import { breaches } from './promises/checks.ts';
import { runSchedule } from './schedule.ts';

const SCHEDULES = 150;

/** The promises that a plain door breaks in the first schedules, up to the one that is looked for. */
async function broken(flaw: Flaw | undefined, looksFor?: Promised): Promise<Promised[]> {
  const promises = new Set<Promised>();
  for (let seed = 0; seed < SCHEDULES; seed++) {
    const world = await runSchedule(seed, {
      createDoor: createPlainDoor(flaw),
    });
    for (const { promise } of breaches(world)) promises.add(promise);
    if (looksFor && promises.has(looksFor)) break;
  }
  return [...promises];
}

describe('the checks of the queue', () => {
  it('find nothing in a door that joins one user after another', async () => {
    expect(await broken(undefined)).toEqual([]);
  });

  it.each<[Flaw, Promised]>([
    ['loses what is not taken', 'no user is lost'],
    ['refuses on trouble', 'nobody is refused who could join'],
    ['forgets invalid messages', 'an invalid message goes verbatim'],
    ['never dead-letters', 'who is refused is dead-lettered'],
    ['never dead-letters', 'who can join has joined'],
    ['keeps whole messages', 'a user ends in one place'],
    ['sends rests of the same size', 'a rest is smaller'],
    ['miscounts', 'a dead letter says what it is about'],
    ['hurries', 'starts keep the rate'],
    ['never looks at the clock', 'the batch ends in time'],
    ['names in the wrong order', 'the newest name wins'],
    ['forgets names', 'no name is lost'],
  ])('find out a door that %s', async (flaw, promise) => {
    expect(await broken(flaw, promise)).toContain(promise);
  });
});
