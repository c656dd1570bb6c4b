import type { AwsOperation } from './aws.ts';
import { type Input, onEachEntry, type Result } from './sqs-batch.ts';
import { type MessageAttributes, md5, NotTaken, type ReceivedMessage, sizeOf } from './sqs-message.ts';
import type { SqsQueue } from './sqs-queue.ts';

/**
 * Stands in for the part of SQS's API that senders and people use, on some queues. A queue's URL may have any host:
 * its last part is the queue's name.
 */
export function sqsOperations(queues: readonly SqsQueue[]): Record<string, AwsOperation> {
  const named = (name: unknown): SqsQueue | undefined => queues.find((queue) => queue.name === name);
  const ofUrl = (input: Input): SqsQueue | undefined => named(text(input.QueueUrl).split('/').at(-1));
  const ofArn = (arn: unknown): SqsQueue | undefined => queues.find((queue) => queue.arn === arn);
  const onQueue =
    (operation: (queue: SqsQueue, input: Input) => Result): AwsOperation =>
    (input) => {
      const queue = ofUrl(input);
      return queue ? operation(queue, input) : NO_QUEUE;
    };
  return {
    'AmazonSQS.SendMessage': onQueue(send),
    'AmazonSQS.SendMessageBatch': onQueue((queue, input) =>
      onEachEntry(
        input,
        (entry) => send(queue, entry),
        (entry) => sizeOf(text(entry.MessageBody), attributes(entry.MessageAttributes)),
      ),
    ),
    'AmazonSQS.ReceiveMessage': onQueue(receive),
    'AmazonSQS.DeleteMessage': onQueue((queue, input) => {
      queue.delete(text(input.ReceiptHandle));
      return { output: {} };
    }),
    'AmazonSQS.PurgeQueue': onQueue((queue) => {
      queue.purge();
      return { output: {} };
    }),
    'AmazonSQS.ChangeMessageVisibility': onQueue(changeVisibility),
    'AmazonSQS.ChangeMessageVisibilityBatch': onQueue((queue, input) =>
      onEachEntry(input, (entry) => changeVisibility(queue, entry)),
    ),
    'AmazonSQS.GetQueueAttributes': onQueue((queue) => {
      const { ready, hidden, delayed } = queue.counts;
      const Attributes = {
        QueueArn: queue.arn,
        ApproximateNumberOfMessages: `${ready}`,
        ApproximateNumberOfMessagesNotVisible: `${hidden}`,
        ApproximateNumberOfMessagesDelayed: `${delayed}`,
      };
      return { output: { Attributes } };
    }),
    'AmazonSQS.StartMessageMoveTask': (input) => {
      const source = ofArn(input.SourceArn);
      const destination = ofArn(input.DestinationArn);
      if (!source || !destination) return NO_QUEUE;
      // "Only ARNs of dead-letter queues whose sources are other SQS queues" (SQS's API reference, StartMessageMoveTask).
      if (!queues.some((queue) => queue.deadLetterQueue === source)) {
        return { error: 'InvalidParameterValue', message: 'Source queue must be configured as a Dead Letter Queue.' };
      }
      source.moveTo(destination);
      return { output: { TaskHandle: 'done' } };
    },
  };
}

const NO_QUEUE = { error: 'QueueDoesNotExist', message: 'The specified queue does not exist.' };
const MAX_VISIBILITY_SECONDS = 43_200;

function send(queue: SqsQueue, input: Input): Result {
  const { DelaySeconds: delay, MessageGroupId: groupId } = input;
  try {
    const { messageId, body } = queue.send(text(input.MessageBody), attributes(input.MessageAttributes), {
      // The query protocol has texts alone.
      delaySeconds: delay === undefined ? 0 : Number(delay),
      groupId: groupId === undefined ? undefined : text(groupId),
    });
    return { output: { MessageId: messageId, MD5OfMessageBody: md5(body) } };
  } catch (error) {
    if (error instanceof NotTaken) return { error: error.code, message: error.message };
    throw error;
  }
}

function receive(queue: SqsQueue, input: Input): Result {
  const max = Math.min(10, Number(input.MaxNumberOfMessages ?? 1));
  const seconds = input.VisibilityTimeout === undefined ? undefined : Number(input.VisibilityTimeout);
  const Messages = queue.receive(max, seconds === undefined ? undefined : seconds * 1000).map(toApiMessage);
  return { output: Messages.length > 0 ? { Messages } : {} };
}

function changeVisibility(queue: SqsQueue, { ReceiptHandle: handle, VisibilityTimeout: timeout }: Input): Result {
  const seconds = Number(timeout ?? Number.NaN);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_VISIBILITY_SECONDS) {
    return { error: 'InvalidParameterValue', message: `VisibilityTimeout must be 0 to ${MAX_VISIBILITY_SECONDS}.` };
  }
  if (!queue.changeVisibility(text(handle), seconds * 1000)) {
    return { error: 'MessageNotInflight', message: 'No message with this receipt handle is in flight.' };
  }
  return { output: {} };
}

/** A message as ReceiveMessage gives it. */
function toApiMessage(message: ReceivedMessage) {
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    Attributes: {
      SentTimestamp: String(message.sentAt),
      ApproximateReceiveCount: String(message.receiveCount),
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
      ...(message.groupId !== undefined && { MessageGroupId: message.groupId }),
    },
    MessageAttributes: message.attributes,
  };
}

function attributes(value: unknown): MessageAttributes {
  const entries = Object.entries(object(value)).map(([name, attribute]) => {
    const { DataType, StringValue, BinaryValue } = object(attribute);
    const values = {
      ...(StringValue !== undefined && { StringValue: text(StringValue) }),
      ...(BinaryValue !== undefined && { BinaryValue: text(BinaryValue) }),
    };
    return [name, { DataType: text(DataType), ...values }] as const;
  });
  return Object.fromEntries(entries);
}

function object(value: unknown): Input {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
