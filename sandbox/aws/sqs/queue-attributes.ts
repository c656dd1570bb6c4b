import { type Input, SqsError, texts } from './input.ts';
import { MAX_BYTES } from './message.ts';
import type { SqsQueue } from './queue.ts';

/** What SQS knows of every queue, besides what the stand-in has: asking for it is no mistake. */
const OTHERS = [
  ...['CreatedTimestamp', 'LastModifiedTimestamp', 'MessageRetentionPeriod', 'Policy', 'RedriveAllowPolicy'],
  ...['KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'SqsManagedSseEnabled', 'RedrivePolicy'],
  ...['FifoQueue', 'FifoThroughputLimit', 'ContentBasedDeduplication', 'DeduplicationScope'],
];

/** GetQueueAttributes: those that are asked for. */
export function queueAttributes(queue: SqsQueue, input: Input): object {
  const { ready, hidden, delayed } = queue.counts;
  const { redrive, visibilityTimeoutMs } = queue;
  const all: Record<string, string> = {
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: `${ready}`,
    ApproximateNumberOfMessagesNotVisible: `${hidden}`,
    ApproximateNumberOfMessagesDelayed: `${delayed}`,
    VisibilityTimeout: `${visibilityTimeoutMs / 1000}`,
    MaximumMessageSize: `${MAX_BYTES}`,
    DelaySeconds: '0',
    ReceiveMessageWaitTimeSeconds: '0',
    ...(redrive && {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: redrive.deadLetterQueue.arn,
        maxReceiveCount: redrive.maxReceiveCount,
      }),
    }),
  };
  const names = texts(input.AttributeNames);
  const unknown = names.find((name) => name !== 'All' && !Object.hasOwn(all, name) && !OTHERS.includes(name));
  if (unknown !== undefined) throw new SqsError('InvalidAttributeName', `Unknown attribute ${unknown}.`);
  const wanted = Object.entries(all).filter(([name]) => names.includes('All') || names.includes(name));
  return wanted.length > 0 ? { Attributes: Object.fromEntries(wanted) } : {};
}
