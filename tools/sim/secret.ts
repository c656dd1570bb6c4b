import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedTime } from './simulated-time.ts';
import { type Trouble, troubleAt } from './trouble.ts';

/** A new App Secret: when RongCloud begins to ask for it, and when Secrets Manager holds it. */
export interface Rotation {
  at: number;
  readableAt: number;
}

export interface SecretOptions {
  time: SimulatedTime;
  random: SeededRandom;
  rotations: readonly Rotation[];
  trouble: readonly Trouble<'stall' | 'error'>[];
  latencyMs: number;
}

export const APP_KEY = 'key';
/** A read that stalls fails after this long: the reader's own limit. */
const STALL_MS = 5000;

/** The app's secret, as Secrets Manager holds it and as RongCloud asks for it. */
export class Secret {
  readonly #options: SecretOptions;
  reads = 0;

  constructor(options: SecretOptions) {
    this.#options = options;
  }

  /** The App Secret that signs what RongCloud accepts. */
  accepted(): string {
    return this.#version(({ at }) => at);
  }

  /** The secret's text. `sleep` is the reader's own time. */
  async read(sleep: (ms: number) => Promise<void>): Promise<string> {
    const { time, random, trouble, latencyMs } = this.#options;
    this.reads += 1;
    const kind = troubleAt(trouble, time.now(), random);
    await sleep(kind === 'stall' ? STALL_MS : latencyMs);
    if (kind) throw new Error(`Secrets Manager: ${kind}`);
    return JSON.stringify({ appKey: APP_KEY, appSecret: this.#version(({ readableAt }) => readableAt) });
  }

  #version(when: (rotation: Rotation) => number): string {
    const { time, rotations } = this.#options;
    return `secret-${rotations.filter((rotation) => when(rotation) <= time.now()).length}`;
  }
}
