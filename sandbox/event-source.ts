import { setTimeout as sleep } from 'node:timers/promises';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { md5, type ReceivedMessage, type SqsQueue } from './sqs-queue.ts';

export interface EventSourceOptions {
  queue: SqsQueue;
  /** Invokes the function; rejects if it fails. */
  invoke: (event: SQSEvent) => Promise<SQSBatchResponse>;
  batchSize: number;
  /** How long a batch is waited for that is not full yet. */
  windowMs: number;
  /** How many batches may be with the function at once. */
  maximumConcurrency: number;
}

const POLL_MS = 20;

/**
 * Stands in for Lambda's SQS event source: hands batches to a function and deletes what the function did not report.
 * What it reported, or all if it failed, comes back when its visibility timeout is over.
 */
export function startEventSource(options: EventSourceOptions): { close(): Promise<void> } {
  const { queue, invoke, batchSize, windowMs, maximumConcurrency } = options;
  const stop = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: stop.signal }).catch(() => undefined);

  async function poll(): Promise<void> {
    while (!stop.signal.aborted) {
      if (queue.counts.ready === 0) {
        await pause(POLL_MS);
        continue;
      }
      for (let waited = 0; waited < windowMs && queue.counts.ready < batchSize; waited += POLL_MS) await pause(POLL_MS);
      const batch = queue.receive(batchSize);
      if (batch.length > 0 && !stop.signal.aborted) await deliver(batch);
    }
  }

  async function deliver(batch: readonly ReceivedMessage[]): Promise<void> {
    const response = await invoke({ Records: batch.map((message) => toRecord(message, queue)) }).catch(() => undefined);
    if (!response) return;
    const back = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { messageId, receiptHandle } of batch) if (!back.has(messageId)) queue.delete(receiptHandle);
  }

  const polls = Array.from({ length: maximumConcurrency }, poll);
  return {
    async close() {
      stop.abort();
      await Promise.race([Promise.all(polls), sleep(1000)]);
    },
  };
}

function toRecord(message: ReceivedMessage, queue: SqsQueue): SQSRecord {
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      SentTimestamp: String(message.sentAt),
      SenderId: 'local',
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    },
    messageAttributes: {},
    md5OfBody: md5(message.body),
    eventSource: 'aws:sqs',
    eventSourceARN: queue.arn,
    awsRegion: 'us-east-1',
  };
}
