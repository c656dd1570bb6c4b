import type { Misbehavior } from './misbehavior.ts';

/** Makes a stand-in misbehave: for as many calls as it is told, or until it is told otherwise. */
export class FaultSwitch {
  #how: Misbehavior | undefined;
  #asked = 0;
  #met = 0;

  /** How the next call is met; undefined: as usual. */
  get how(): Misbehavior | undefined {
    return this.#how;
  }

  /** How many calls came, and how many of them were met with a fault. */
  get counts(): { asked: number; met: number } {
    return { asked: this.#asked, met: this.#met };
  }

  set(how: Misbehavior | undefined): void {
    this.#how = how && { ...how };
  }

  /** To be called for each call: how this one is met. */
  next(): Misbehavior | undefined {
    const how = this.#how;
    this.#asked += 1;
    if (how === undefined) return undefined;
    this.#met += 1;
    if (how.calls !== undefined) this.#how = how.calls > 1 ? { ...how, calls: how.calls - 1 } : undefined;
    return how;
  }
}
