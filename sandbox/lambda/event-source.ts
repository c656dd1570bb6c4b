import { setTimeout as sleep } from 'node:timers/promises';
import type { SQSBatchResponse, SQSEvent, SQSMessageAttributes, SQSRecord } from 'aws-lambda';
import { type MessageAttributes, md5, md5OfAttributes, type ReceivedMessage } from '../aws/sqs/message.ts';
import type { SqsQueue } from '../aws/sqs/queue.ts';

export interface EventSourceOptions {
  queue: SqsQueue;
  /** Invokes the function; rejects or gives nothing if it fails. */
  invoke: (event: SQSEvent) => Promise<SQSBatchResponse | undefined>;
  batchSize: number;
  /** How long a batch is waited for that is not full yet. */
  windowMs: number;
  /** How many batches may be with the function at once. */
  maximumConcurrency: number;
  /** While it is false, nothing is handed out. */
  isEnabled?: () => boolean;
  /** How it waits, if not by the machine's clock. */
  sleep?: (ms: number, options: { signal: AbortSignal }) => Promise<unknown>;
  /** How often it looks at the queue. */
  pollMs?: number;
  /** How it waits for a message, if not by looking again and again. */
  untilReady?: () => Promise<void>;
  /** Called after each batch, once what it lets go is deleted. */
  onDelivered?: () => void;
}

/**
 * Stands in for Lambda's SQS event source: hands batches to a function and deletes what the function did not report.
 * What it reported, or all if it failed, comes back when its visibility timeout is over.
 */
export function startEventSource(options: EventSourceOptions): { close(): Promise<void> } {
  const { queue, invoke, batchSize, windowMs, maximumConcurrency, isEnabled = () => true, pollMs = 20 } = options;
  const stop = new AbortController();
  const wait = options.sleep ?? ((ms, { signal }) => sleep(ms, undefined, { signal }));
  const pause = (ms: number) => wait(ms, { signal: stop.signal }).catch(() => undefined);
  const { untilReady = () => pause(pollMs), onDelivered = () => undefined } = options;

  async function poll(): Promise<void> {
    while (!stop.signal.aborted) {
      if (!isEnabled() || queue.counts.ready === 0) {
        await untilReady();
        continue;
      }
      for (let waited = 0; waited < windowMs && queue.counts.ready < batchSize; waited += pollMs) await pause(pollMs);
      if (!isEnabled()) continue;
      const batch = queue.receive(batchSize);
      if (batch.length === 0 || stop.signal.aborted) continue;
      await deliver(batch, queue, invoke);
      onDelivered();
    }
  }

  const polls = Array.from({ length: maximumConcurrency }, poll);
  return {
    async close() {
      stop.abort();
      await Promise.race([Promise.all(polls), sleep(1000)]);
    },
  };
}

/** Hands a batch to a function, and deletes what its answer lets go. */
export async function deliver(
  batch: readonly ReceivedMessage[],
  queue: SqsQueue,
  invoke: EventSourceOptions['invoke'],
): Promise<void> {
  const response = await invoke({ Records: batch.map((message) => toRecord(message, queue)) }).catch(() => undefined);
  if (!response) return;
  const back = keptBack(batch, response);
  for (const { messageId, receiptHandle } of batch) if (!back.has(messageId)) queue.delete(receiptHandle);
}

/**
 * The ids of the messages that an answer keeps on the queue: all, if it names a message that the batch does not hold.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function keptBack(
  batch: readonly { messageId: string }[],
  { batchItemFailures }: SQSBatchResponse,
): ReadonlySet<string> {
  const sent = new Set(batch.map(({ messageId }) => messageId));
  const back = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  return back.isSubsetOf(sent) ? back : sent;
}

function toRecord(message: ReceivedMessage, queue: SqsQueue): SQSRecord {
  const md5OfMessageAttributes = md5OfAttributes(message.attributes);
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      SentTimestamp: String(message.sentAt),
      SenderId: 'local',
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
      ...(message.groupId !== undefined && { MessageGroupId: message.groupId }),
    },
    messageAttributes: toLambdaAttributes(message.attributes),
    md5OfBody: md5(message.body),
    ...(md5OfMessageAttributes !== undefined && { md5OfMessageAttributes }),
    eventSource: 'aws:sqs',
    eventSourceARN: queue.arn,
    awsRegion: 'us-east-1',
  };
}

/** Lambda writes attributes in another case than SQS, with lists that SQS has no use for. */
function toLambdaAttributes(attributes: MessageAttributes): SQSMessageAttributes {
  const written: SQSMessageAttributes = {};
  for (const [name, { DataType, StringValue, BinaryValue }] of Object.entries(attributes)) {
    written[name] = {
      ...(StringValue !== undefined && { stringValue: StringValue }),
      ...(BinaryValue !== undefined && { binaryValue: BinaryValue }),
      stringListValues: [],
      binaryListValues: [],
      dataType: DataType,
    };
  }
  return written;
}
