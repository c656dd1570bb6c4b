import { SeededRandom } from '../../tools/sim/seeded-random.ts';
import type { Answered, Service } from './service.ts';

/**
 * When users ask. `steady`: one after another, a little early or late. `random`: at moments that nothing ties to each
 * other, as people do, so that some seconds have a third more than others. `front-loaded`: at random, half of those
 * who are still to come in each sixth of the time.
 */
export type Shape = 'steady' | 'random' | 'front-loaded';

export interface Load {
  users: number;
  overMs: number;
  shape: Shape;
  /** How many groups the users are spread over. */
  groups: number;
  /** The Prefer header. */
  prefer?: string | undefined;
}

const HALVINGS = 6;

/** Lets all users ask, each once, and gives what they got. */
export function sendLoad(service: Service, load: Load): Promise<Answered[]> {
  const { time } = service;
  return Promise.all(
    moments(load).map(async (atMs, i) => {
      await time.sleep(atMs);
      return service.ask({ userId: `user-${i}`, groupId: `group-${i % load.groups}`, prefer: load.prefer });
    }),
  );
}

/** When each user asks, the same for the same load. */
function moments({ users, overMs, shape }: Load): number[] {
  const random = new SeededRandom(1);
  return Array.from({ length: users }, (_, i) => momentOf(shape, random.next(), (i + random.next()) / users) * overMs);
}

/** A share of the whole time, from a share drawn for a user and the one that it has in a row. */
function momentOf(shape: Shape, drawn: number, inRow: number): number {
  switch (shape) {
    case 'steady':
      return inRow;
    case 'random':
      return drawn;
    case 'front-loaded':
      return -Math.log2(1 - drawn * (1 - 2 ** -HALVINGS)) / HALVINGS;
  }
}
