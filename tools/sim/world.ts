import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deliver, startEventSource } from '../../sandbox/lambda/event-source.ts';
import { type Environment, type Invocation, LambdaFunction, type Mishaps } from './lambda.ts';
import { Queue, type QueueMishaps } from './queue.ts';
import { type CreateDoor, createQueueDoor } from './queue-door.ts';
import { RongCloud, type RongCloudOptions } from './rongcloud.ts';
import { Secret, type SecretOptions } from './secret.ts';
import { SeededRandom } from './seeded-random.ts';
import { createSimulatedTime, type SimulatedTime } from './simulated-time.ts';
import { type QueueTrouble, Sqs } from './sqs.ts';

/** What differs from a healthy world whose groups are empty. */
export interface WorldOptions {
  seed?: number;
  createDoor?: CreateDoor;
  ratePerSecond?: number;
  rongCloud?: Partial<Omit<RongCloudOptions, 'time' | 'random' | 'acceptedSecret' | 'travelMs' | 'answerMs'>> & {
    latencyMs?: readonly [min: number, max: number];
  };
  secret?: Partial<Pick<SecretOptions, 'rotations' | 'trouble' | 'latencyMs'>>;
  sqs?: QueueMishaps & { trouble?: readonly QueueTrouble[] };
  mishaps?: Mishaps;
  /** When the wall clock of all environments is set, and by how much. */
  clockJumps?: readonly { at: number; byMs: number }[];
}

/** A batch with the queue door. */
export type Batch = Invocation<SQSEvent, SQSBatchResponse>;

/** When every world begins, in milliseconds since 1970. */
export const START = Date.UTC(2026, 0, 1);
// As serverless.yml has them.
const CONCURRENCY = 2;
const BATCH_SIZE = 1000;
const WINDOW_MS = 1000;
const TIMEOUT_MS = 60_000;
const VISIBILITY_TIMEOUT_MS = 361_000;
const MAX_RECEIVE_COUNT = 240;

/** The queue door with all that is around it, in simulated time. */
export class World {
  readonly time: SimulatedTime = createSimulatedTime(START);
  readonly random: SeededRandom;
  readonly ratePerSecond: number;
  readonly secret: Secret;
  readonly rongCloud: RongCloud;
  readonly deadLetters: Queue;
  readonly queue: Queue;
  readonly sqs: Sqs;
  readonly lambda: LambdaFunction<SQSEvent, SQSBatchResponse>;
  /** Told after each batch, once the queue lost what the batch let go. */
  onBatch: (() => void) | undefined;
  readonly #createDoor: CreateDoor;
  #isOver: () => void = () => undefined;
  #started = false;

  constructor(options: WorldOptions = {}) {
    const { seed = 1, ratePerSecond = 24, createDoor = createQueueDoor, clockJumps = [], mishaps } = options;
    const { time } = this;
    const random = new SeededRandom(seed);
    this.random = random;
    this.ratePerSecond = ratePerSecond;
    this.#createDoor = createDoor;
    for (const { at, byMs } of clockJumps) void time.sleep(at - START).then(() => time.setWall(byMs));
    this.secret = new Secret({ time, random, rotations: [], trouble: [], latencyMs: 20, ...options.secret });
    const { latencyMs: [least, most] = [20, 120], ...rongCloud } = options.rongCloud ?? {};
    this.rongCloud = new RongCloud({
      time,
      random,
      acceptedSecret: () => this.secret.accepted(),
      travelMs: () => random.int(least, most) / 2,
      answerMs: () => random.int(least, most) / 2,
      // RongCloud refuses a clock that is wrong, which is not what such a world is about.
      freshness: clockJumps.length === 0,
      userFaults: new Map(),
      nameFaults: new Map(),
      ...rongCloud,
    });
    const { trouble = [], ...queueMishaps } = options.sqs ?? {};
    const queueOptions = { time, random, visibilityTimeoutMs: VISIBILITY_TIMEOUT_MS };
    this.deadLetters = new Queue({ ...queueOptions, name: 'joins-dead' });
    const redrive = { deadLetterQueue: this.deadLetters, maxReceiveCount: MAX_RECEIVE_COUNT };
    this.queue = new Queue({ ...queueOptions, ...queueMishaps, name: 'joins', redrive });
    this.sqs = new Sqs({ time, random, queues: [this.queue, this.deadLetters], trouble });
    this.lambda = new LambdaFunction({
      start: (environment) => this.#start(environment),
      concurrency: CONCURRENCY,
      timeoutMs: TIMEOUT_MS,
      ...{ time, random, mishaps },
    });
  }

  #start(environment: Environment) {
    const { random, ratePerSecond, rongCloud, secret, sqs } = this;
    const { id, clock, sleep, timeout } = environment;
    return this.#createDoor({
      ...{ clock, sleep, timeout, ratePerSecond },
      random: () => random.next(),
      transport: rongCloud.transport(() => {
        return { door: 'queue', environment: id, invocation: environment.invocation, sleep };
      }),
      readSecret: () => secret.read(sleep),
      sqs: sqs.client({ sleep, invocation: () => environment.invocation }),
    });
  }

  /** Hands the function what the queue has now, as one batch. */
  async deliver(): Promise<void> {
    await deliver(this.queue.receive(BATCH_SIZE), this.queue, (event) => this.lambda.invoke(event));
  }

  /** Lets the event source read the queue until this holds after some batch, or so long. Says whether it holds. */
  run(isOver: () => boolean, limitMs: number): Promise<boolean> {
    const over = new Promise<boolean>((resolve) => {
      this.#isOver = () => isOver() && resolve(true);
      void this.time.sleep(limitMs).then(() => resolve(isOver()));
    });
    if (!this.#started) this.#read();
    return this.time.run(over);
  }

  #read(): void {
    this.#started = true;
    startEventSource({
      queue: this.queue,
      invoke: (event) => this.lambda.invoke(event),
      batchSize: BATCH_SIZE,
      windowMs: WINDOW_MS,
      maximumConcurrency: CONCURRENCY,
      sleep: this.time.sleep,
      pollMs: WINDOW_MS,
      untilReady: () => this.queue.untilReady(),
      onDelivered: () => {
        this.onBatch?.();
        this.#isOver();
      },
    });
  }
}
