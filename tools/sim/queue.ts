import type { StoredMessage } from '../../sandbox/aws/sqs/message.ts';
import { SqsQueue, type SqsQueueOptions } from '../../sandbox/aws/sqs/queue.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** What a standard queue may do besides handing each message out once and in order. */
export interface QueueMishaps {
  /** The share of received messages that are handed out a second time within half a minute. */
  duplicates?: { share: number; until: number };
  /** Hands messages out in any order, and only a part of them at a time. */
  reorders?: boolean;
}

export interface QueueOptions extends Omit<SqsQueueOptions, 'now'>, QueueMishaps {
  time: SimulatedTime;
  random: SeededRandom;
}

/** The stand-in's queue in simulated time, at least once and in any order, which tells of what arrives. */
export class Queue extends SqsQueue {
  readonly #options: QueueOptions;
  #wake: () => void = () => undefined;
  #changed = Promise.resolve();
  /** Told of each message that is sent or moved here. SQS itself moves what it gives up. */
  onArrival: ((message: StoredMessage, how: 'sent' | 'moved' | 'given up') => void) | undefined;

  constructor(options: QueueOptions) {
    super({ ...options, now: options.time.now });
    this.#options = options;
    this.#watch();
  }

  /** Resolves when a message can be handed out. */
  async untilReady(): Promise<void> {
    const { time } = this.#options;
    for (;;) {
      const at = this.nextReadyAt;
      if (at <= time.now()) return;
      const over = new AbortController();
      const wait = at === Number.POSITIVE_INFINITY ? [] : [time.sleep(at - time.now(), { signal: over.signal })];
      await Promise.race([this.#changed, ...wait]);
      over.abort('the queue has changed');
    }
  }

  override changeVisibility(receiptHandle: string, timeoutMs: number): boolean {
    const isOut = super.changeVisibility(receiptHandle, timeoutMs);
    this.#wake();
    return isOut;
  }

  protected override arrived(message: StoredMessage, how: 'sent' | 'moved' | 'given up'): void {
    this.onArrival?.(message, how);
    this.#wake();
  }

  protected override choose(ready: Iterable<StoredMessage>, max: number): StoredMessage[] {
    const { time, random, duplicates, reorders = false } = this.#options;
    const chosen = reorders
      ? random.sample([...ready], max).filter(() => random.chance(0.8))
      : super.choose(ready, max);
    if (duplicates && time.now() < duplicates.until) {
      for (const message of chosen) if (random.chance(duplicates.share)) this.repeat(message, random.int(0, 30_000));
    }
    return chosen;
  }

  protected override repeat(message: StoredMessage, afterMs: number): void {
    super.repeat(message, afterMs);
    this.#wake();
  }

  #watch(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#changed = promise;
    this.#wake = () => {
      resolve();
      this.#watch();
    };
  }
}
