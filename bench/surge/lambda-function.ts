import type { SimulatedTime } from '../../tools/sim/simulated-time.ts';

/** What a door is told of its invocation. */
export interface Invocation {
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

export interface LambdaFunctionOptions<Event, Answer> {
  time: SimulatedTime;
  /** Starts an environment: a door with a memory of its own. */
  start: () => (event: Event, invocation: Invocation) => Promise<Answer>;
  /** How many environments may work at once: reserved concurrency, or what the account has left. */
  concurrency: number;
  timeoutMs: number;
}

const COLD_START_MS = 300;

/**
 * A Lambda function: each environment serves one request at a time and is kept warm. Which warm one gets a request is
 * not documented; here it is the one that became free last. How fast Lambda adds environments (1000 in 10 seconds)
 * bounds nothing here.
 */
export class LambdaFunction<Event, Answer> {
  /** How many environments were at work, each time that changed. */
  readonly busyAt: { at: number; busy: number }[] = [];
  readonly #options: LambdaFunctionOptions<Event, Answer>;
  readonly #idle: ReturnType<LambdaFunctionOptions<Event, Answer>['start']>[] = [];
  #busy = 0;
  #invocations = 0;

  constructor(options: LambdaFunctionOptions<Event, Answer>) {
    this.#options = options;
  }

  /** Gives the door's answer, or undefined when Lambda has no environment for it or the door took too long. */
  async invoke(event: Event): Promise<Answer | undefined> {
    const { time, start, concurrency, timeoutMs } = this.#options;
    if (this.#busy >= concurrency) return undefined;
    this.#count(+1);
    let door = this.#idle.pop();
    if (!door) {
      door = start();
      await time.sleep(COLD_START_MS);
    }
    const until = time.now() + timeoutMs;
    this.#invocations += 1;
    const answer = await door(event, {
      awsRequestId: `invocation-${this.#invocations}`,
      getRemainingTimeInMillis: () => until - time.now(),
    });
    this.#count(-1);
    this.#idle.push(door);
    return time.now() <= until ? answer : undefined;
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
