import {
  ChangeMessageVisibilityBatchCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { JoinError } from '../errors.ts';
import { inBatches, inParallel } from './batches.ts';
import { awsCode, clientSettings, harden, isClearNo, REQUEST_MS } from './client.ts';

/** A message to send. */
export interface OutgoingMessage {
  body: string;
  attributes?: Readonly<Record<string, string | number>>;
  delaySeconds?: number;
  /** Whom the message is from, for SQS's fairness between senders. */
  senderGroup?: string | undefined;
}

/** How the sending of a message ended. One that was `unanswered` may have been taken. */
export type SendEnd = 'taken' | 'refused' | 'unanswered';

/**
 * Sends messages to one queue, all within one time limit of 4 seconds if none is given. Says of each, in order, how that
 * ended, and why SQS did not take others. Never throws.
 */
export type Send = (
  messages: readonly OutgoingMessage[],
  limitMs?: number,
) => Promise<{ ends: readonly SendEnd[]; error?: JoinError | undefined }>;

/** SQS takes 1 MiB in a message and in a request, attributes included. */
export const MAX_BYTES = 1_048_576;
/** SQS takes this many entries in one request. */
const MAX_ENTRIES = 10;
const LIMITS = { entries: MAX_ENTRIES, bytes: MAX_BYTES };

export function createSqsClient(): SQSClient {
  return harden(new SQSClient(clientSettings()));
}

/** A sender to a queue. `timeout` makes its time limits. */
export function createSend(client: SQSClient, queueUrl: string, timeout = AbortSignal.timeout): Send {
  return async (messages, limitMs = REQUEST_MS) => {
    const ends = messages.map((): SendEnd => 'refused');
    let error: JoinError | undefined;
    const abortSignal = timeout(limitMs);
    const indexed = messages.map((message, index) => ({ message, index }));
    await inParallel(
      inBatches(indexed, LIMITS, ({ message }) => sizeOf(message)),
      async (batch) => {
        const entries = batch.map(({ message, index }) => toEntry(message, index));
        const isUnsent = abortSignal.aborted;
        try {
          const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries });
          const { Successful: successful = [], Failed: failed = [] } = await client.send(command, { abortSignal });
          const known = new Map<string | undefined, SendEnd>();
          for (const { Id: id } of failed) known.set(id, 'refused');
          for (const { Id: id } of successful) known.set(id, 'taken');
          for (const { Id: id } of entries) ends[Number(id)] = known.get(id) ?? 'unanswered';
          if (!entries.every(({ Id: id }) => known.has(id)))
            error = unavailable(new Error('SQS told not of all messages'));
          const [first] = failed;
          if (first) error = unavailable(new Error(`SQS refused ${failed.length} messages: ${awsCode(first.Code)}`));
        } catch (cause) {
          error = unavailable(cause);
          const end = isUnsent || isClearNo(cause) ? 'refused' : 'unanswered';
          for (const { Id: id } of entries) ends[Number(id)] = end;
        }
      },
    );
    return { ends, error };
  };
}

/** What SQS counts: the body, and the names, types and values of the attributes. */
export function sizeOf({ body, attributes = {} }: OutgoingMessage): number {
  const texts = Object.entries(attributes).flatMap(([name, value]) => [name, dataTypeOf(value), String(value)]);
  return Buffer.byteLength(body) + Buffer.byteLength(texts.join(''));
}

/** An entry's id is the message's position. */
function toEntry(
  { body, attributes = {}, delaySeconds, senderGroup }: OutgoingMessage,
  index: number,
): SendMessageBatchRequestEntry {
  const typed = Object.entries(attributes).map(([name, value]) => {
    return [name, { DataType: dataTypeOf(value), StringValue: String(value) }] as const;
  });
  return {
    Id: String(index),
    MessageBody: body,
    MessageAttributes: Object.fromEntries(typed),
    DelaySeconds: delaySeconds,
    MessageGroupId: senderGroup,
  };
}

function dataTypeOf(value: string | number): 'Number' | 'String' {
  return typeof value === 'number' ? 'Number' : 'String';
}

function unavailable(cause: unknown): JoinError {
  return new JoinError('QUEUE_UNAVAILABLE', { cause });
}

/** Deliveries after which a message that stays on the queue comes back soon; later ones take the queue's own 6 minutes. */
const SOON_DELIVERIES = 5;
const MIN_SECONDS = 10;
const MAX_SECONDS = 60;

/** A message of the queue, as far as its next delivery is concerned. */
export interface DeliveredMessage {
  messageId: string;
  receiptHandle: string;
  /** How often it has been delivered, this time included. */
  receiveCount: number;
}

/**
 * Lets messages come back soon, each after 10 to 60 seconds, that have not been delivered often: most troubles are
 * short. Never throws: a message whose time could not be changed comes back all the same, later.
 */
export type BringBackSoon = (messages: readonly DeliveredMessage[]) => Promise<void>;

export interface VisibilityOptions {
  /** From 0 up to 1. */
  random: () => number;
  timeout?: (ms: number) => AbortSignal;
}

export function createBringBackSoon(
  client: SQSClient,
  queueUrl: string,
  { random, timeout = AbortSignal.timeout }: VisibilityOptions,
): BringBackSoon {
  return async (messages) => {
    const abortSignal = timeout(REQUEST_MS);
    const entries = messages
      .filter(({ receiveCount }) => receiveCount <= SOON_DELIVERIES)
      .map(({ receiptHandle }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: Math.round(MIN_SECONDS + random() * (MAX_SECONDS - MIN_SECONDS)),
      }));
    const batches = inBatches(entries, LIMITS, () => 0);
    await inParallel(batches, async (batch) => {
      const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries: batch });
      await client.send(command, { abortSignal }).catch(() => undefined);
    });
  };
}
