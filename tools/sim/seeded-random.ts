/** Random choices that a seed decides, so that a run can be had again. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Log-normal, as answer times are: half of the values are below the median, and a few are far above. */
  logNormal(median: number, sigma: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return median * Math.exp(sigma * normal);
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
