import type { Clock } from '../../lib/clock.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** What a door is told of its invocation. */
export interface Context {
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** A door as Lambda sees it. */
export type Door<Event, Answer> = (event: Event, context: Context) => Promise<Answer>;

/** One invocation, and how it ended: `unacknowledged` answered, but the answer was lost. */
export interface Invocation<Event, Answer> {
  id: number;
  environment: number;
  startedAt: number;
  endedAt: number;
  event: Event;
  end: 'running' | 'answered' | 'unacknowledged' | 'crashed' | 'timed out' | 'failed';
  answer?: Answer;
}

/** What may happen to environments, as shares of invocations, up to a moment. */
export interface Mishaps {
  until: number;
  crashed: number;
  unacknowledged: number;
  /** A fresh environment for the next invocation. */
  replaced: number;
}

export interface LambdaOptions<Event, Answer> {
  time: SimulatedTime;
  random: SeededRandom;
  /** Starts a door with a memory of its own. */
  start: (environment: Environment) => Door<Event, Answer> | Promise<Door<Event, Answer>>;
  /** How many environments may work at once: reserved concurrency, or what the account has left. */
  concurrency: number;
  timeoutMs: number;
  mishaps?: Mishaps | undefined;
}

const COLD_START_MS = 300;

/** Where a door runs. Its time ends when Lambda kills it: nothing that waits there goes on. */
export class Environment {
  readonly id: number;
  readonly #time: SimulatedTime;
  invocation = 0;
  isKilled = false;

  constructor(id: number, time: SimulatedTime) {
    this.id = id;
    this.#time = time;
  }

  get clock(): Clock {
    return this.#time.clock;
  }

  sleep = async (ms: number, options?: { signal?: AbortSignal }): Promise<void> => {
    try {
      await this.#time.sleep(ms, options);
    } finally {
      if (this.isKilled) await new Promise(() => undefined);
    }
  };

  timeout = (ms: number): AbortSignal => this.#time.timeout(ms);
}

interface Started<Event, Answer> {
  environment: Environment;
  door: Door<Event, Answer>;
}

/**
 * A Lambda function: each environment serves one request at a time and is kept warm. Which warm one gets a request is
 * not documented; here it is the one that became free last. How fast Lambda adds environments (1000 in 10 seconds)
 * bounds nothing here.
 */
export class LambdaFunction<Event, Answer> {
  readonly invocations: Invocation<Event, Answer>[] = [];
  /** How many environments were at work, each time that changed. */
  readonly busyAt: { at: number; busy: number }[] = [];
  readonly #options: LambdaOptions<Event, Answer>;
  readonly #idle: Started<Event, Answer>[] = [];
  #busy = 0;
  #environments = 0;

  constructor(options: LambdaOptions<Event, Answer>) {
    this.#options = options;
  }

  /** Gives the door's answer, or undefined when Lambda has no environment for it or there is none. */
  async invoke(event: Event): Promise<Answer | undefined> {
    const { time, random, concurrency, mishaps } = this.#options;
    if (this.#busy >= concurrency) return undefined;
    this.#count(+1);
    const started = this.#idle.pop() ?? (await this.#start());
    const invocation = await this.#run(started, event);
    this.#count(-1);
    const replaced = mishaps !== undefined && time.now() < mishaps.until && random.chance(mishaps.replaced);
    if (!started.environment.isKilled && !replaced) this.#idle.push(started);
    return invocation.end === 'answered' ? invocation.answer : undefined;
  }

  async #start(): Promise<Started<Event, Answer>> {
    this.#environments += 1;
    const environment = new Environment(this.#environments, this.#options.time);
    const door = await this.#options.start(environment);
    await this.#options.time.sleep(COLD_START_MS);
    return { environment, door };
  }

  async #run({ environment, door }: Started<Event, Answer>, event: Event): Promise<Invocation<Event, Answer>> {
    const { time, random, timeoutMs, mishaps } = this.#options;
    const startedAt = time.now();
    const id = this.invocations.length + 1;
    const span = { startedAt, endedAt: startedAt };
    const invocation: Invocation<Event, Answer> = { id, environment: environment.id, ...span, event, end: 'running' };
    this.invocations.push(invocation);
    environment.invocation = id;

    const meets = (share = 0): boolean => startedAt < (mishaps?.until ?? 0) && random.chance(share);
    const over = new AbortController();
    const after = (ms: number, end: 'timed out' | 'crashed') => time.sleep(ms, { signal: over.signal }).then(() => end);
    const ends = [after(timeoutMs, 'timed out')];
    if (meets(mishaps?.crashed)) ends.push(after(random.next() ** 2 * timeoutMs, 'crashed'));
    const context = {
      awsRequestId: `invocation-${id}`,
      getRemainingTimeInMillis: () => startedAt + timeoutMs - time.now(),
    };
    const answered = door(event, context).then(
      (answer) => {
        invocation.answer = answer;
        return meets(mishaps?.unacknowledged) ? ('unacknowledged' as const) : ('answered' as const);
      },
      () => 'failed' as const,
    );
    invocation.end = await Promise.race([answered, ...ends]);
    over.abort('the invocation is over');
    invocation.endedAt = time.now();
    environment.isKilled = invocation.end === 'crashed' || invocation.end === 'timed out';
    return invocation;
  }

  /** The most environments that were at work at once. */
  mostBusy(from = 0, to = Number.POSITIVE_INFINITY): number {
    return this.busyAt.reduce((most, { at, busy }) => (at >= from && at < to ? Math.max(most, busy) : most), 0);
  }

  #count(change: number): void {
    this.#busy += change;
    this.busyAt.push({ at: this.#options.time.now(), busy: this.#busy });
  }
}
