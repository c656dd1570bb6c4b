import type { AwsConnection, AwsOperation } from '../operation.ts';
import { type Input, object, SqsError, text, texts, whole } from './input.ts';
import {
  MAX_BYTES,
  MAX_DELAY_SECONDS,
  MAX_VISIBILITY_SECONDS,
  md5,
  md5OfAttributes,
  readAttributes,
  sizeOf,
} from './message.ts';
import type { SqsQueue } from './queue.ts';
import { receive } from './receive.ts';

/** What an operation answers, or what it will. It throws an SqsError. */
type Operation = (input: Input, connection: AwsConnection) => object | Promise<object>;

/**
 * Stands in for the part of SQS's API that senders, receivers and people use, on some queues. A queue's URL may have
 * any host: its last part is the queue's name.
 */
export function sqsOperations(queues: readonly SqsQueue[]): Record<string, AwsOperation> {
  const find = (name: string): SqsQueue => {
    const queue = queues.find((one) => one.name === name);
    if (queue) return queue;
    throw new SqsError('QueueDoesNotExist', 'The specified queue does not exist.');
  };
  const onQueue =
    (operation: (queue: SqsQueue, input: Input, connection: AwsConnection) => object | Promise<object>): Operation =>
    (input, connection) =>
      operation(find(text(input.QueueUrl).split('/').at(-1) ?? ''), input, connection);
  const onEntries = (operation: (queue: SqsQueue, entry: Input) => object, size?: (entry: Input) => number) =>
    onQueue((queue, input) => onEachEntry(input, (entry) => operation(queue, entry), size));
  const operations: Record<string, Operation> = {
    SendMessage: onQueue(send),
    SendMessageBatch: onEntries(send, (entry) =>
      sizeOf(text(entry.MessageBody), readAttributes(entry.MessageAttributes)),
    ),
    ReceiveMessage: onQueue((queue, input, { gone }) => receive(queue, input, gone)),
    DeleteMessage: onQueue(remove),
    DeleteMessageBatch: onEntries(remove),
    ChangeMessageVisibility: onQueue(changeVisibility),
    ChangeMessageVisibilityBatch: onEntries(changeVisibility),
    PurgeQueue: onQueue((queue) => {
      queue.purge();
      return {};
    }),
    GetQueueAttributes: onQueue(queueAttributes),
    GetQueueUrl: (input, { origin }) => ({ QueueUrl: urlOf(find(text(input.QueueName)), origin) }),
    ListQueues: ({ QueueNamePrefix: prefix }, { origin }) => {
      const found = queues.filter(({ name }) => name.startsWith(text(prefix)));
      return found.length > 0 ? { QueueUrls: found.map((queue) => urlOf(queue, origin)) } : {};
    },
    StartMessageMoveTask: (input) => move(queues, input),
  };
  return Object.fromEntries(Object.entries(operations).map(([name, one]) => [`AmazonSQS.${name}`, answering(one)]));
}

function answering(operation: Operation): AwsOperation {
  return async (input, _sessionToken, connection) => {
    try {
      return { output: { ...(await operation(input, connection)) } };
    } catch (error) {
      if (error instanceof SqsError) return { error: error.code, message: error.message };
      throw error;
    }
  };
}

function urlOf({ name }: SqsQueue, origin: string): string {
  return `${origin}/000000000000/${name}`;
}

function send(queue: SqsQueue, input: Input): object {
  const { MessageBody: body, MessageGroupId: groupId } = input;
  const sent = queue.send(text(body), readAttributes(input.MessageAttributes), {
    delaySeconds: whole(input, 'DelaySeconds', 0, MAX_DELAY_SECONDS),
    groupId: groupId === undefined ? undefined : text(groupId),
  });
  const MD5OfMessageAttributes = md5OfAttributes(sent.attributes);
  return {
    MessageId: sent.messageId,
    MD5OfMessageBody: md5(sent.body),
    ...(MD5OfMessageAttributes !== undefined && { MD5OfMessageAttributes }),
  };
}

function remove(queue: SqsQueue, { ReceiptHandle: handle }: Input): object {
  queue.delete(handleOf(queue, handle));
  return {};
}

function changeVisibility(queue: SqsQueue, input: Input): object {
  const seconds = whole(input, 'VisibilityTimeout', 0, MAX_VISIBILITY_SECONDS);
  if (seconds === undefined) throw new SqsError('InvalidParameterValue', 'VisibilityTimeout is required.');
  if (!queue.changeVisibility(handleOf(queue, input.ReceiptHandle), seconds * 1000)) {
    throw new SqsError('MessageNotInflight', 'No message with this receipt handle is in flight.');
  }
  return {};
}

function handleOf(queue: SqsQueue, handle: unknown): string {
  if (queue.isReceiptHandle(text(handle))) return text(handle);
  throw new SqsError('ReceiptHandleIsInvalid', 'This is no receipt handle of this queue.');
}

/** StartMessageMoveTask: to a queue, or without one to where the messages came from. */
function move(queues: readonly SqsQueue[], { SourceArn: from, DestinationArn: to }: Input): object {
  const source = queues.find(({ arn }) => arn === from);
  const origin = queues.find(({ redrive }) => source && redrive?.deadLetterQueue === source);
  const destination = to === undefined ? origin : queues.find(({ arn }) => arn === to);
  // "Only ARNs of dead-letter queues whose sources are other SQS queues" (SQS's API reference, StartMessageMoveTask).
  if (source && !origin) {
    throw new SqsError('InvalidParameterValue', 'Source queue must be configured as a Dead Letter Queue.');
  }
  if (!source || !destination) throw new SqsError('ResourceNotFoundException', 'There is no such queue.');
  source.moveTo(destination);
  return { TaskHandle: 'done' };
}

const MAX_ENTRIES = 10;
const ENTRY_ID = /^[\w-]{1,80}$/;

/** Carries out an operation for each entry of a batch. `sizeOf` gives what counts towards the limit of a request. */
function onEachEntry(
  { Entries: entries }: Input,
  operation: (entry: Input) => object,
  sizeOf: (entry: Input) => number = () => 0,
): object {
  if (!Array.isArray(entries) || entries.length === 0) {
    throw new SqsError('EmptyBatchRequest', 'There are no entries.');
  }
  if (entries.length > MAX_ENTRIES) throw new SqsError('TooManyEntriesInBatchRequest', `1 to ${MAX_ENTRIES} entries.`);
  const objects = entries.map(object);
  if (objects.some(({ Id: id }) => !ENTRY_ID.test(text(id)))) {
    throw new SqsError('InvalidBatchEntryId', 'An id has 1 to 80 letters, digits, hyphens and underscores.');
  }
  if (new Set(objects.map(({ Id: id }) => id)).size < objects.length) {
    throw new SqsError('BatchEntryIdsNotDistinct', 'Two entries have the same id.');
  }
  if (objects.reduce((sum, entry) => sum + sizeOf(entry), 0) > MAX_BYTES) {
    throw new SqsError('BatchRequestTooLong', 'The batch is over 1 MiB.');
  }
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of objects) {
    try {
      Successful.push({ Id: entry.Id, ...operation(entry) });
    } catch (error) {
      if (!(error instanceof SqsError)) throw error;
      Failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: true });
    }
  }
  return { Successful, Failed };
}

/** What SQS knows of every queue, besides what the stand-in has: asking for it is no mistake. */
const OTHERS = [
  ...['CreatedTimestamp', 'LastModifiedTimestamp', 'MessageRetentionPeriod', 'Policy', 'RedriveAllowPolicy'],
  ...['KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'SqsManagedSseEnabled', 'RedrivePolicy'],
  ...['FifoQueue', 'FifoThroughputLimit', 'ContentBasedDeduplication', 'DeduplicationScope'],
];

/** GetQueueAttributes: those that are asked for. */
function queueAttributes(queue: SqsQueue, input: Input): object {
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
