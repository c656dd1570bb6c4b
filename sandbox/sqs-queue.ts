import { createHash, randomUUID } from 'node:crypto';

/** A message attribute, as SQS's API writes it. */
export interface MessageAttribute {
  DataType: string;
  StringValue?: string;
}

/** A message on a queue. */
export interface StoredMessage {
  messageId: string;
  body: string;
  attributes: Record<string, MessageAttribute>;
  sentAt: number;
  firstReceivedAt: number;
  receiveCount: number;
}

/** A message that was handed out, and what deletes it. */
export interface ReceivedMessage extends StoredMessage {
  receiptHandle: string;
}

export interface SqsQueueOptions {
  name: string;
  /** How long a message that was handed out stays hidden. */
  visibilityTimeoutMs: number;
  redrive?: { deadLetterQueue: SqsQueue; maxReceiveCount: number };
  now?: () => number;
}

/** Why SQS does not take a message. */
export class NotTaken extends Error {}

// What is no character of XML 1.0.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;
const MAX_BYTES = 1024 * 1024;

/** A standard queue: hides what it hands out, hands it out again in time, counts, and gives up on what it counted too often. */
export class SqsQueue {
  readonly name: string;
  readonly #options: SqsQueueOptions;
  readonly #now: () => number;
  #ready: StoredMessage[] = [];
  readonly #hidden = new Map<string, { message: StoredMessage; until: number }>();

  constructor(options: SqsQueueOptions) {
    this.name = options.name;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get arn(): string {
    return `arn:aws:sqs:us-east-1:000000000000:${this.name}`;
  }

  /** Messages that could be handed out now, and messages that are out. */
  get counts(): { ready: number; hidden: number } {
    this.#reveal();
    return { ready: this.#ready.length, hidden: this.#hidden.size };
  }

  send(body: string, attributes: Record<string, MessageAttribute> = {}): StoredMessage {
    if (body === '' || FORBIDDEN.test(body)) throw new NotTaken('Invalid characters in the message.');
    if (Buffer.byteLength(body) > MAX_BYTES) throw new NotTaken('The message is over 1 MiB.');
    const sentAt = this.#now();
    const message = { messageId: randomUUID(), body, attributes, sentAt, firstReceivedAt: 0, receiveCount: 0 };
    this.#ready.push(message);
    return message;
  }

  receive(max: number): ReceivedMessage[] {
    this.#reveal();
    const received: ReceivedMessage[] = [];
    while (received.length < max) {
      const message = this.#ready.shift();
      if (!message) break;
      const { redrive } = this.#options;
      if (redrive && message.receiveCount >= redrive.maxReceiveCount) {
        redrive.deadLetterQueue.#ready.push({ ...message, receiveCount: 0 });
        continue;
      }
      message.receiveCount += 1;
      message.firstReceivedAt ||= this.#now();
      const receiptHandle = randomUUID();
      this.#hidden.set(receiptHandle, { message, until: this.#now() + this.#options.visibilityTimeoutMs });
      received.push({ ...message, receiptHandle });
    }
    return received;
  }

  delete(receiptHandle: string): void {
    this.#hidden.delete(receiptHandle);
  }

  /** Moves what is ready to another queue, as a redrive does. */
  moveTo(destination: SqsQueue): number {
    this.#reveal();
    const moved = this.#ready;
    this.#ready = [];
    for (const message of moved) destination.#ready.push({ ...message, receiveCount: 0 });
    return moved.length;
  }

  /** Every message's body, handed out or not. */
  bodies(): string[] {
    return [...this.#ready, ...[...this.#hidden.values()].map(({ message }) => message)].map(({ body }) => body);
  }

  /** Puts messages back whose time is up. */
  #reveal(): void {
    for (const [receiptHandle, { message, until }] of this.#hidden) {
      if (until > this.#now()) continue;
      this.#hidden.delete(receiptHandle);
      this.#ready.push(message);
    }
  }
}

export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
