import { randomUUID } from 'node:crypto';
import {
  checkMessage,
  type MessageAttributes,
  type ReceivedMessage,
  type SendOptions,
  type StoredMessage,
} from './message.ts';

export interface SqsQueueOptions {
  name: string;
  /** How long a message that was handed out stays hidden. */
  visibilityTimeoutMs: number;
  redrive?: { deadLetterQueue: SqsQueue; maxReceiveCount: number };
  now?: () => number;
}

/** How many messages could be handed out now, are out, and wait for their delay to end. */
export interface QueueCounts {
  ready: number;
  hidden: number;
  delayed: number;
}

/** A message as a person looks at it: whether it could be handed out now, and when not, until when. */
export interface SeenMessage {
  message: Readonly<StoredMessage>;
  state: 'ready' | 'hidden' | 'delayed';
  until?: number;
}

interface Later {
  message: StoredMessage;
  until: number;
}

/** A standard queue: hides what it hands out, hands it out again in time, counts, and gives up on what it counted too often. */
export class SqsQueue {
  readonly name: string;
  readonly #options: SqsQueueOptions;
  readonly #now: () => number;
  /** The messages that can be handed out, in the order of arrival. */
  readonly #ready = new Set<StoredMessage>();
  /** What was handed out, by receipt handle. */
  readonly #hidden = new Map<string, Later>();
  readonly #delayed = new Set<Later>();

  constructor(options: SqsQueueOptions) {
    this.name = options.name;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get arn(): string {
    return `arn:aws:sqs:us-east-1:000000000000:${this.name}`;
  }

  get counts(): QueueCounts {
    this.#reveal();
    return { ready: this.#ready.size, hidden: this.#hidden.size, delayed: this.#delayed.size };
  }

  /** Takes a message. Throws an SqsError if SQS would not. */
  send(body: string, attributes: MessageAttributes = {}, options: SendOptions = {}): StoredMessage {
    checkMessage(body, attributes, options);
    const { groupId, delaySeconds = 0 } = options;
    const sentAt = this.#now();
    const message = { messageId: randomUUID(), body, attributes, groupId, sentAt, firstReceivedAt: 0, receiveCount: 0 };
    if (delaySeconds > 0) this.#delayed.add({ message, until: sentAt + delaySeconds * 1000 });
    else this.#ready.add(message);
    this.arrived(message, 'sent');
    return message;
  }

  /** A queue that is watched does more when a message comes. */
  protected arrived(_message: StoredMessage, _how: 'sent' | 'moved' | 'given up'): void {}

  /** The messages to hand out, of those that are ready. A queue with mishaps takes others, and hands some out again. */
  protected choose(ready: Iterable<StoredMessage>, max: number): StoredMessage[] {
    return Iterator.from(ready).take(max).toArray();
  }

  /** Hands a message out a second time, after this long. */
  protected repeat(message: StoredMessage, afterMs: number): void {
    this.#delayed.add({ message: { ...message }, until: this.#now() + afterMs });
  }

  get visibilityTimeoutMs(): number {
    return this.#options.visibilityTimeoutMs;
  }

  /** The queue that takes what this one gives up on, and when that is. */
  get redrive(): SqsQueueOptions['redrive'] {
    return this.#options.redrive;
  }

  /** Hands messages out, and hides them for the queue's own time if no other is given. */
  receive(max: number, visibilityTimeoutMs = this.#options.visibilityTimeoutMs): ReceivedMessage[] {
    this.#reveal();
    const { redrive } = this.#options;
    const received: ReceivedMessage[] = [];
    for (const message of this.choose(this.#ready, max)) {
      this.#ready.delete(message);
      if (redrive && message.receiveCount >= redrive.maxReceiveCount) {
        redrive.deadLetterQueue.#takeOver(message, 'given up');
        continue;
      }
      message.receiveCount += 1;
      message.firstReceivedAt ||= this.#now();
      const receiptHandle = this.#newReceiptHandle();
      this.#hidden.set(receiptHandle, { message, until: this.#now() + visibilityTimeoutMs });
      received.push({ ...message, receiptHandle });
    }
    return received;
  }

  /** Names this queue, so that another queue's handle is known for one. */
  #newReceiptHandle(): string {
    return Buffer.from(`${this.name} ${randomUUID()}`).toString('base64');
  }

  /** Whether a text may be a receipt handle of this queue. */
  isReceiptHandle(text: string): boolean {
    const [name, uuid] = Buffer.from(text, 'base64').toString('utf8').split(' ');
    return name === this.name && uuid?.length === 36;
  }

  /** Deletes all messages, those that were handed out too. */
  purge(): void {
    this.#ready.clear();
    this.#hidden.clear();
    this.#delayed.clear();
  }

  delete(receiptHandle: string): void {
    this.#hidden.delete(receiptHandle);
  }

  /** Hides a message that is out for so long from now on; 0: no longer. False if it is not out. */
  changeVisibility(receiptHandle: string, timeoutMs: number): boolean {
    this.#reveal();
    const hidden = this.#hidden.get(receiptHandle);
    if (hidden) hidden.until = this.#now() + timeoutMs;
    return hidden !== undefined;
  }

  /** Shows all that was handed out again, as though its time were up. */
  showAll(): void {
    for (const hidden of this.#hidden.values()) hidden.until = this.#now();
    this.#reveal();
  }

  /** Moves what is ready to another queue, as a redrive does. */
  moveTo(destination: SqsQueue): number {
    this.#reveal();
    const moved = [...this.#ready];
    this.#ready.clear();
    for (const message of moved) destination.#takeOver(message);
    return moved.length;
  }

  /** Moves one message that is ready to another queue; false if it is not ready, or not here. */
  moveOne(messageId: string, destination: SqsQueue): boolean {
    this.#reveal();
    const message = Iterator.from(this.#ready).find((one) => one.messageId === messageId);
    if (!message) return false;
    this.#ready.delete(message);
    destination.#takeOver(message);
    return true;
  }

  /** Takes a message of another queue, which begins to count its deliveries anew. */
  #takeOver(message: StoredMessage, how: 'moved' | 'given up' = 'moved'): void {
    const taken = { ...message, receiveCount: 0 };
    this.#ready.add(taken);
    this.arrived(taken, how);
  }

  /** So many of the newest messages, handed out or not, newest first. */
  look(max: number): SeenMessage[] {
    this.#reveal();
    const later = (entries: Iterable<Later>, state: 'hidden' | 'delayed'): SeenMessage[] =>
      [...entries].map(({ message, until }) => ({ message, state, until }));
    const ready = [...this.#ready].map((message): SeenMessage => ({ message, state: 'ready' }));
    const all = [...ready, ...later(this.#hidden.values(), 'hidden'), ...later(this.#delayed, 'delayed')];
    return all.sort((a, b) => b.message.sentAt - a.message.sentAt).slice(0, max);
  }

  /** Every message, handed out or not. */
  get messages(): StoredMessage[] {
    const later = [...this.#hidden.values(), ...this.#delayed].map(({ message }) => message);
    return [...this.#ready, ...later];
  }

  /** Every message's body. */
  bodies(): string[] {
    return this.messages.map(({ body }) => body);
  }

  /** When the next message can be handed out; Infinity if there is none. */
  get nextReadyAt(): number {
    if (this.#ready.size > 0) return this.#now();
    let next = Number.POSITIVE_INFINITY;
    for (const { until } of this.#hidden.values()) next = Math.min(next, until);
    for (const { until } of this.#delayed) next = Math.min(next, until);
    return next;
  }

  /** Puts messages back whose time is up. */
  #reveal(): void {
    const now = this.#now();
    for (const later of this.#delayed) {
      if (later.until > now) continue;
      this.#delayed.delete(later);
      this.#ready.add(later.message);
    }
    for (const [receiptHandle, { message, until }] of this.#hidden) {
      if (until > now) continue;
      this.#hidden.delete(receiptHandle);
      this.#ready.add(message);
    }
  }
}
