import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Clock } from '../../../lib/clock.ts';
import type { SeededRandom } from '../../../tools/sim/seeded-random.ts';
import type { SimulatedTime } from '../../../tools/sim/simulated-time.ts';
import type { Door } from '../queue-door.ts';
import type { QueueModel, StoredMessage, TextAttributes } from './queue.ts';

/** One batch, and how it ended: `unacknowledged` answered, but the answer was lost. */
export interface Invocation {
  id: number;
  environment: number;
  startedAt: number;
  endedAt: number;
  messages: readonly StoredMessage[];
  end: 'running' | 'answered' | 'unacknowledged' | 'crashed' | 'timed out' | 'failed';
  /** Ids of the messages that the answer leaves on the queue. */
  back: ReadonlySet<string>;
}

/** What may happen to environments, as shares of batches, up to a moment. */
export interface Mishaps {
  until: number;
  crashed: number;
  unacknowledged: number;
  /** A fresh environment for the next batch. */
  replaced: number;
}

export interface LambdaOptions {
  time: SimulatedTime;
  random: SeededRandom;
  queue: QueueModel;
  start: (environment: Environment) => Promise<Door>;
  concurrency: number;
  batchSize: number;
  windowMs: number;
  timeoutMs: number;
  mishaps: Mishaps;
}

/** Where a door runs. Its time ends when Lambda kills it: nothing that waits there goes on. */
export class Environment {
  readonly id: number;
  readonly #time: SimulatedTime;
  invocation = 0;
  #killed = false;

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
      if (this.#killed) await new Promise(() => undefined);
    }
  };

  timeout = (ms: number): AbortSignal => this.#time.timeout(ms);

  kill(): void {
    this.#killed = true;
  }
}

/** Lambda with an event source: gathers batches, invokes doors, and takes off the queue what their answers let go. */
export class LambdaModel {
  readonly invocations: Invocation[] = [];
  readonly #options: LambdaOptions;
  #environments = 0;
  /** Told of each batch that is over. */
  onEnd: ((invocation: Invocation) => void) | undefined;
  /** Told before that, for checks. */
  onBatch: ((invocation: Invocation) => void) | undefined;

  constructor(options: LambdaOptions) {
    this.#options = options;
  }

  /** Reads the queue for ever. */
  start(): void {
    for (let i = 0; i < this.#options.concurrency; i++) void this.#read();
  }

  async #read(): Promise<never> {
    const { time, random, queue, batchSize, windowMs, mishaps } = this.#options;
    let environment = await this.createEnvironment();
    for (;;) {
      await queue.untilVisible();
      const batch = queue.receive(batchSize);
      if (batch.length < batchSize) {
        await time.sleep(windowMs);
        batch.push(...queue.receive(batchSize - batch.length));
      }
      if (batch.length === 0) continue;
      const { end } = await environment.invoke(batch);
      const replaced = time.now() < mishaps.until && random.chance(mishaps.replaced);
      if (end === 'crashed' || end === 'timed out' || replaced) environment = await this.createEnvironment();
    }
  }

  /** An environment of its own, for batches that the caller chooses. */
  async createEnvironment(): Promise<{ invoke(batch: readonly StoredMessage[]): Promise<Invocation> }> {
    this.#environments += 1;
    const environment = new Environment(this.#environments, this.#options.time);
    const door = await this.#options.start(environment);
    return { invoke: (batch) => this.#invoke(environment, door, batch) };
  }

  async #invoke(environment: Environment, door: Door, messages: readonly StoredMessage[]): Promise<Invocation> {
    const { time, random, queue, timeoutMs, mishaps } = this.#options;
    const startedAt = time.now();
    const id = this.invocations.length + 1;
    const invocation: Invocation = {
      id,
      environment: environment.id,
      startedAt,
      endedAt: startedAt,
      messages,
      end: 'running',
      back: new Set(),
    };
    this.invocations.push(invocation);
    environment.invocation = id;

    const unlucky = (share: number): boolean => startedAt < mishaps.until && random.chance(share);
    const over = new AbortController();
    const after = (ms: number, end: Invocation['end']) => time.sleep(ms, { signal: over.signal }).then(() => end);
    const ends = [after(timeoutMs, 'timed out')];
    if (unlucky(mishaps.crashed)) ends.push(after(random.next() ** 2 * timeoutMs, 'crashed'));
    const context = {
      awsRequestId: `invocation-${id}`,
      getRemainingTimeInMillis: () => startedAt + timeoutMs - time.now(),
    };
    const answered = door(toEvent(messages), context).catch((): Invocation['end'] => 'failed');
    const end = await Promise.race([answered, ...ends]);
    over.abort('the batch is over');

    invocation.endedAt = time.now();
    if (typeof end === 'string') {
      invocation.end = end;
      if (end !== 'failed') environment.kill();
    } else {
      invocation.end = unlucky(mishaps.unacknowledged) ? 'unacknowledged' : 'answered';
      invocation.back = leftOnQueue(messages, end);
      for (const message of messages) {
        if (invocation.end === 'answered' && !invocation.back.has(message.messageId)) queue.delete(message);
      }
    }
    this.onBatch?.(invocation);
    this.onEnd?.(invocation);
    return invocation;
  }
}

/** Lambda takes an answer that names a message which the batch does not hold for a failure of the whole. */
function leftOnQueue(messages: readonly StoredMessage[], { batchItemFailures }: SQSBatchResponse): Set<string> {
  const sent = new Set(messages.map(({ messageId }) => messageId));
  const back = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  return [...back].every((id) => sent.has(id)) ? back : sent;
}

function toEvent(messages: readonly StoredMessage[]): SQSEvent {
  return {
    Records: messages.map(({ messageId, receiptHandle, body, attributes, sentAt, receiveCount }) => ({
      messageId,
      receiptHandle,
      body,
      attributes: {
        ApproximateReceiveCount: String(receiveCount),
        SentTimestamp: String(sentAt),
        SenderId: 'sender',
        ApproximateFirstReceiveTimestamp: String(sentAt),
      },
      messageAttributes: toMessageAttributes(attributes),
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:joins',
      awsRegion: 'us-east-1',
    })),
  };
}

function toMessageAttributes(texts: TextAttributes): SQSRecord['messageAttributes'] {
  const entries = Object.entries(texts).map(
    ([name, stringValue]) => [name, { stringValue, dataType: 'String' }] as const,
  );
  return Object.fromEntries(entries);
}
