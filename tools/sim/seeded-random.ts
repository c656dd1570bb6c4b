/** Random choices that a seed decides, so that a run can be had again. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds start far from each other, and the state is never 0.
    this.#state = Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995 || 1;
    for (let i = 0; i < 8; i++) this.next();
  }

  /** From 0 up to 1 (Marsaglia's xorshift32). */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) / 2 ** 32;
  }

  /** True in this share of cases. */
  chance(share: number): boolean {
    return share > 0 && this.next() < share;
  }

  /** A whole number, both ends included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return this.sample(items, items.length);
  }

  /** So many of some, or all, in any order. */
  sample<T>(items: readonly T[], count: number): T[] {
    const chosen = [...items];
    const size = Math.min(count, chosen.length);
    for (let i = 0; i < size; i++) {
      const other = this.int(i, chosen.length - 1);
      [chosen[i], chosen[other]] = [chosen[other] as T, chosen[i] as T];
    }
    chosen.length = size;
    return chosen;
  }
}
