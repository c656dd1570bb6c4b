import { SeededRandom } from '../../../tools/sim/seeded-random.ts';
import { createSimulatedTime, type SimulatedTime } from '../../../tools/sim/simulated-time.ts';
import {
  type CreateDoor,
  createQueueDoor,
  DEAD_LETTER_QUEUE_URL,
  MAX_RECEIVE_COUNT,
  QUEUE_URL,
} from '../queue-door.ts';
import { ImModel, type ImOptions } from './im.ts';
import { type Environment, LambdaModel, type LambdaOptions } from './lambda.ts';
import { createLedger, type QueueLedger } from './ledger.ts';
import { QueueModel, type QueueOptions } from './queue.ts';
import { SecretModel, type SecretOptions } from './secret.ts';
import { createSqsSender, type SqsSenderOptions } from './sqs-sender.ts';

/** What differs from a healthy world whose groups are empty. */
export interface WorldOptions {
  seed?: number;
  createDoor?: CreateDoor;
  ratePerSecond?: number;
  maxReceiveCount?: number;
  im?: Partial<Omit<ImOptions, 'time' | 'random' | 'secret'>>;
  secret?: Partial<Pick<SecretOptions, 'rotations' | 'trouble' | 'latencyMs'>>;
  sqs?: Partial<Pick<SqsSenderOptions, 'trouble'> & Pick<QueueOptions, 'duplicates' | 'reorders'>>;
  mishaps?: LambdaOptions['mishaps'];
  /** When the wall clock of all environments is set, and by how much. */
  clockJumps?: readonly { at: number; byMs: number }[];
}

/** When every world begins, in milliseconds since 1970. */
export const START = Date.UTC(2026, 0, 1);

/** The queue door with all that is around it, in simulated time. */
export interface QueueWorld {
  time: SimulatedTime;
  random: SeededRandom;
  ratePerSecond: number;
  im: ImModel;
  queue: QueueModel;
  deadLetters: QueueModel;
  lambda: LambdaModel;
  ledger: QueueLedger;
  /** How often the secret was read so far. */
  secretReads(): number;
  /** Lets the event source read the queue until this holds after some batch, or so long. Says whether it holds. */
  run(isOver: () => boolean, limitMs: number): Promise<boolean>;
}

export function createWorld(options: WorldOptions = {}): QueueWorld {
  const { seed = 1, ratePerSecond = 24, createDoor = createQueueDoor } = options;
  const random = new SeededRandom(seed);
  const time = createSimulatedTime(START);
  for (const { at, byMs } of options.clockJumps ?? []) void time.sleep(at - START).then(() => time.setWall(byMs));
  const secret = new SecretModel({ time, random, rotations: [], trouble: [], latencyMs: 20, ...options.secret });
  const im = new ImModel({
    time,
    random,
    secret,
    capacity: () => 3000,
    membersCount: false,
    userFaults: new Map(),
    nameFaults: new Map(),
    callsPerSecond: 100,
    countsRefused: false,
    latencyMs: [20, 120],
    trouble: [],
    carriedOut: 0,
    ...options.im,
  });
  const deadLetters = new QueueModel({ time, random });
  const { trouble = [], ...queueOptions } = options.sqs ?? {};
  const redrive = { to: deadLetters, maxReceiveCount: options.maxReceiveCount ?? MAX_RECEIVE_COUNT };
  const queue = new QueueModel({ time, random, redrive, ...queueOptions });
  const queues = { [QUEUE_URL]: queue, [DEAD_LETTER_QUEUE_URL]: deadLetters };
  const sqsFor = createSqsSender({ now: time.now, random, queues, trouble });
  const start = (environment: Environment) => {
    const { clock, sleep, timeout } = environment;
    const invocation = () => environment.invocation;
    return createDoor({
      clock,
      sleep,
      timeout,
      ratePerSecond,
      random: () => random.next(),
      exchange: (call) => im.exchange({ ...call, sleep, environment: environment.id, invocation: invocation() }),
      readSecret: () => secret.read(sleep),
      sendToSqs: sqsFor({ sleep, invocation }),
    });
  };
  const lambda = new LambdaModel({
    time,
    random,
    queue,
    start,
    // As serverless.yml has it.
    concurrency: 2,
    batchSize: 1000,
    windowMs: 1000,
    timeoutMs: 60_000,
    mishaps: options.mishaps ?? { until: 0, crashed: 0, unacknowledged: 0, replaced: 0 },
  });
  let started = false;
  const ledger = createLedger({ im, queue, deadLetters });

  return {
    time,
    random,
    ratePerSecond,
    im,
    queue,
    deadLetters,
    lambda,
    ledger,
    secretReads: () => secret.reads,
    async run(isOver, limitMs) {
      const over = new Promise<boolean>((resolve) => {
        lambda.onEnd = () => isOver() && resolve(true);
        void time.sleep(limitMs).then(() => resolve(isOver()));
      });
      if (!started) lambda.start();
      started = true;
      return time.run(over);
    },
  };
}
