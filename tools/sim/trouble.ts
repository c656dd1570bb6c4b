import type { SeededRandom } from './seeded-random.ts';

/** Something that goes wrong from one moment up to another, both in milliseconds since 1970. */
export interface Trouble<Kind extends string> {
  kind: Kind;
  from: number;
  until: number;
  /** Which share of what is tried meets it; all if not said. */
  share?: number;
}

/** What goes wrong with something that is tried now, if anything does. */
export function troubleAt<Kind extends string>(
  troubles: readonly Trouble<Kind>[],
  now: number,
  random: SeededRandom,
): Kind | undefined {
  return troubles.find(
    ({ from, until, share = 1 }) => from <= now && now < until && (share >= 1 || random.chance(share)),
  )?.kind;
}
