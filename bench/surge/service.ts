import { SqsQueue } from '../../sandbox/aws/sqs/queue.ts';
import { startEventSource } from '../../sandbox/lambda/event-source.ts';
import { LambdaFunction } from '../../tools/sim/lambda.ts';
import { RongCloud } from '../../tools/sim/rongcloud.ts';
import { SeededRandom } from '../../tools/sim/seeded-random.ts';
import { createSimulatedTime } from '../../tools/sim/simulated-time.ts';
import { APP, type Ask, startHttpDoor, startQueueDoor } from './doors.ts';
import { type Throttle, TokenBucket } from './token-bucket.ts';

// As serverless.yml has them.
const HTTP_TIMEOUT_MS = 15_000;
const QUEUE_TIMEOUT_MS = 60_000;
const QUEUE_CONCURRENCY = 2;
const BATCH_SIZE = 1000;
const WINDOW_MS = 1000;
const VISIBILITY_TIMEOUT_MS = 361_000;
export const SHIPPED_THROTTLE: Throttle = { rate: 100, burst: 50 };

/** What an AWS account has to begin with, less the queue function's environments. */
export const ACCOUNT_CONCURRENCY = 1000 - QUEUE_CONCURRENCY;

/** API Gateway's own share of an answer. */
const GATEWAY_MS = 10;

const CALLS_PER_SECOND = 100;
/** Medians; one in a hundred takes three times as long. A network without jitter would let paced calls meet the limit in step. */
const NETWORK_MS = 10;
const ANSWER_MS = 50;
const SIGMA = 0.5;

/** What RongCloud's rate limit may count. The vendor does not say whether refused calls are among it. */
export const LIMITERS = ['calls it takes', 'all calls'] as const;

/** `nothing` is no limit at all. */
export type Limiter = (typeof LIMITERS)[number] | 'nothing';

export interface ServiceOptions {
  limiter: Limiter;
  /** From when until when RongCloud hangs, in milliseconds from the start. */
  hang?: { from: number; to: number } | undefined;
  throttle: Throttle;
  /** Reserved concurrency of the HTTP function, or what the account has. */
  httpConcurrency: number;
}

/** What a request got: the status, from the door or from what stands before it, and when. */
export interface Answered extends Ask {
  askedAt: number;
  status: number;
  byDoor: boolean;
  durationMs: number;
}

/** The deployed service in simulated time: API Gateway, both functions, the queues and RongCloud. */
export function createService({ limiter, hang, throttle, httpConcurrency }: ServiceOptions) {
  const time = createSimulatedTime();
  const startedAt = time.now();
  const random = new SeededRandom(2);
  const rongCloud = new RongCloud({
    time,
    random: new SeededRandom(3),
    acceptedSecret: () => APP.appSecret,
    userFaults: new Map(),
    nameFaults: new Map(),
    callsPerSecond: limiter === 'nothing' ? Number.POSITIVE_INFINITY : CALLS_PER_SECOND,
    countsRefused: limiter === 'all calls',
    travelMs: (chance) => chance.logNormal(NETWORK_MS, SIGMA),
    answerMs: (chance, refused) => chance.logNormal(refused ? NETWORK_MS : ANSWER_MS, SIGMA),
    trouble: hang ? [{ kind: 'hang', from: startedAt + hang.from, until: startedAt + hang.to }] : [],
  });
  const queue = { visibilityTimeoutMs: VISIBILITY_TIMEOUT_MS, now: time.now };
  const joinQueue = new SqsQueue({ ...queue, name: 'joins' });
  const deadLetterQueue = new SqsQueue({ ...queue, name: 'dead' });
  const surroundings = { time, random, rongCloud, joinQueue, deadLetterQueue };
  const bucket = new TokenBucket(throttle, startedAt);
  const http = new LambdaFunction({
    time,
    random,
    start: (environment) => startHttpDoor(surroundings, environment),
    concurrency: httpConcurrency,
    timeoutMs: HTTP_TIMEOUT_MS,
  });
  const queueFunction = new LambdaFunction({
    time,
    random,
    start: (environment) => startQueueDoor(surroundings, environment),
    concurrency: QUEUE_CONCURRENCY,
    timeoutMs: QUEUE_TIMEOUT_MS,
  });
  startEventSource({
    queue: joinQueue,
    invoke: (event) => queueFunction.invoke(event),
    batchSize: BATCH_SIZE,
    windowMs: WINDOW_MS,
    maximumConcurrency: QUEUE_CONCURRENCY,
    sleep: time.sleep,
  });

  async function status(ask: Ask): Promise<Pick<Answered, 'status' | 'byDoor'>> {
    if (!bucket.take(time.now())) return { status: 429, byDoor: false };
    const answer = await http.invoke(ask);
    return answer === undefined ? { status: 503, byDoor: false } : { status: answer, byDoor: true };
  }

  return {
    time,
    startedAt,
    rongCloud,
    joinQueue,
    deadLetterQueue,
    http,
    /** One request of a client, which does not come back whatever it gets. */
    async ask(ask: Ask): Promise<Answered> {
      const askedAt = time.now();
      await time.sleep(GATEWAY_MS);
      const answer = await status(ask);
      return { ...ask, ...answer, askedAt, durationMs: time.now() - askedAt };
    },
  };
}

export type Service = ReturnType<typeof createService>;
