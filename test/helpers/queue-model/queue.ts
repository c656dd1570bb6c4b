import type { SeededRandom } from '../../../tools/sim/seeded-random.ts';
import type { SimulatedTime } from '../../../tools/sim/simulated-time.ts';

/** Text attributes of a message by name. */
export type TextAttributes = Readonly<Record<string, string>>;

/** A message on a queue, or a copy of it. */
export interface StoredMessage {
  messageId: string;
  body: string;
  attributes: TextAttributes;
  sentAt: number;
  visibleAt: number;
  /** Of its last delivery. */
  receiptHandle: string;
  receiveCount: number;
  /** The invocation that sent it; undefined for a client's. */
  sentBy: number | undefined;
  /** True on a dead-letter queue when SQS moved it there by itself. */
  redriven: boolean;
}

export interface QueueOptions {
  time: SimulatedTime;
  random: SeededRandom;
  visibilityMs?: number;
  redrive?: { to: QueueModel; maxReceiveCount: number };
  /** The share of received messages that are handed out a second time within half a minute. */
  duplicates?: { share: number; until: number };
  /** Hands messages out in any order, and only a part of them at a time. */
  reorders?: boolean;
}

/** A standard queue of SQS: at least once, in any order, hidden while somebody has it, counted. */
export class QueueModel {
  readonly #options: QueueOptions;
  readonly #stored = new Set<StoredMessage>();
  #changed: (() => void) | undefined;
  #sent = 0;
  #receipts = 0;
  /** What was handed out, by the receipt. */
  readonly #hidden = new Map<string, StoredMessage>();
  /** Told of each message that is sent or moved here. */
  onArrival: ((message: StoredMessage) => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get messages(): ReadonlySet<StoredMessage> {
    return this.#stored;
  }

  send(
    body: string,
    {
      attributes = {},
      delaySeconds = 0,
      sentBy,
    }: { attributes?: TextAttributes; delaySeconds?: number; sentBy?: number } = {},
  ): StoredMessage {
    const now = this.#options.time.now();
    this.#sent += 1;
    return this.#arrive({
      messageId: `message-${this.#sent}`,
      body,
      attributes,
      sentAt: now,
      visibleAt: now + delaySeconds * 1000,
      receiptHandle: '',
      receiveCount: 0,
      sentBy,
      redriven: false,
    });
  }

  /** Takes up to so many messages that are visible now. */
  receive(max: number): StoredMessage[] {
    const { time, random, visibilityMs = 361_000, redrive, duplicates, reorders = false } = this.#options;
    const now = time.now();
    const visible = [...this.#stored].filter(({ visibleAt }) => visibleAt <= now);
    const offered = reorders ? random.sample(visible, max).filter(() => random.chance(0.8)) : visible.slice(0, max);
    const received: StoredMessage[] = [];
    for (const message of offered) {
      if (redrive && message.receiveCount >= redrive.maxReceiveCount) {
        this.#stored.delete(message);
        redrive.to.#arrive({ ...message, receiveCount: 0, redriven: true });
        continue;
      }
      message.receiveCount += 1;
      message.visibleAt = now + visibilityMs;
      this.#receipts += 1;
      message.receiptHandle = `receipt-${this.#receipts}`;
      this.#hidden.set(message.receiptHandle, message);
      if (duplicates && now < duplicates.until && random.chance(duplicates.share)) {
        this.#store({ ...message, visibleAt: now + random.int(0, 30_000) });
      }
      received.push(message);
    }
    return received;
  }

  delete(message: StoredMessage): void {
    this.#stored.delete(message);
    this.#hidden.delete(message.receiptHandle);
  }

  /** Shows a message that was handed out again after so many seconds from now. */
  changeVisibility(receiptHandle: string, seconds: number): void {
    const message = this.#hidden.get(receiptHandle);
    if (!message || message.receiptHandle !== receiptHandle) return;
    message.visibleAt = this.#options.time.now() + seconds * 1000;
    this.#wake();
  }

  /** Resolves when a message is visible. */
  async untilVisible(): Promise<void> {
    const { time } = this.#options;
    for (;;) {
      const at = this.#nextVisibleAt();
      if (at <= time.now()) return;
      const arrival = new AbortController();
      const before = this.#changed;
      const changed = new Promise<void>((resolve) => {
        this.#changed = () => {
          before?.();
          resolve();
        };
      });
      const wait = at === Number.POSITIVE_INFINITY ? changed : time.sleep(at - time.now(), { signal: arrival.signal });
      await Promise.race([changed, wait]);
      arrival.abort('something is visible');
    }
  }

  #nextVisibleAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { visibleAt } of this.#stored) if (visibleAt < next) next = visibleAt;
    return next;
  }

  #arrive(message: StoredMessage): StoredMessage {
    this.#store(message);
    this.onArrival?.(message);
    return message;
  }

  #store(message: StoredMessage): void {
    this.#stored.add(message);
    this.#wake();
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = undefined;
    changed?.();
  }
}
