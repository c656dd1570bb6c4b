import { ChangeMessageVisibilityBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { QueueMessage } from './message.ts';
import { inParallel, MAX_ENTRIES, SQS_REQUEST_MS } from './sqs-client.ts';

/** Deliveries after which a message that stays on the queue comes back soon; later ones take the queue's own 6 minutes. */
const SOON_DELIVERIES = 5;
const MIN_SECONDS = 10;
const MAX_SECONDS = 60;

/**
 * Lets messages come back soon, each after 10 to 60 seconds, that have not been delivered often: most troubles are
 * short. Never throws: a message whose time could not be changed comes back all the same, later.
 */
export type BringBackSoon = (messages: readonly QueueMessage[]) => Promise<void>;

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
    const abortSignal = timeout(SQS_REQUEST_MS);
    const entries = messages
      .filter(({ receiveCount }) => receiveCount <= SOON_DELIVERIES)
      .map(({ receiptHandle }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: Math.round(MIN_SECONDS + random() * (MAX_SECONDS - MIN_SECONDS)),
      }));
    const requests = Array.from({ length: Math.ceil(entries.length / MAX_ENTRIES) }, (_, i) =>
      entries.slice(i * MAX_ENTRIES, (i + 1) * MAX_ENTRIES),
    );
    await inParallel(requests, async (some) => {
      const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries: some });
      await client.send(command, { abortSignal }).catch(() => undefined);
    });
  };
}
