import type { QueueWorld } from '../queue-world.ts';
import type { Breach } from './breach.ts';
import { letterBreaches } from './letter-checks.ts';
import { nameBreaches } from './name-checks.ts';
import { paceBreaches } from './pace-checks.ts';
import { userBreaches } from './user-checks.ts';

/** All promises that a run broke, each as often as it did. */
export function breaches(world: QueueWorld): Breach[] {
  return [...userBreaches(world), ...letterBreaches(world), ...nameBreaches(world), ...paceBreaches(world)];
}

/** The promises that a run broke, a line each. */
export function brokenPromises(world: QueueWorld): string[] {
  return [...Map.groupBy(breaches(world), ({ promise }) => promise)].map(
    ([promise, [first, ...more]]) =>
      `${promise}, but: ${first?.detail}${more.length > 0 ? `, and ${more.length} more` : ''}`,
  );
}
