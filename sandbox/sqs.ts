import type { AwsOperation } from './aws.ts';
import { type MessageAttribute, md5, NotTaken, type ReceivedMessage, type SqsQueue } from './sqs-queue.ts';

type Input = Record<string, unknown>;
type Result = ReturnType<AwsOperation>;

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
    'AmazonSQS.SendMessageBatch': onQueue(sendBatch),
    'AmazonSQS.ReceiveMessage': onQueue(receive),
    'AmazonSQS.DeleteMessage': onQueue((queue, input) => {
      queue.delete(text(input.ReceiptHandle));
      return { output: {} };
    }),
    'AmazonSQS.GetQueueAttributes': onQueue((queue) => {
      const { ready, hidden } = queue.counts;
      const counts = { ApproximateNumberOfMessages: `${ready}`, ApproximateNumberOfMessagesNotVisible: `${hidden}` };
      return { output: { Attributes: { QueueArn: queue.arn, ...counts } } };
    }),
    'AmazonSQS.StartMessageMoveTask': (input) => {
      const source = ofArn(input.SourceArn);
      const destination = ofArn(input.DestinationArn);
      if (!source || !destination) return NO_QUEUE;
      source.moveTo(destination);
      return { output: { TaskHandle: 'done' } };
    },
  };
}

const NO_QUEUE = { error: 'QueueDoesNotExist', message: 'The specified queue does not exist.' };

function send(queue: SqsQueue, input: Input): Result {
  try {
    const { messageId, body } = queue.send(text(input.MessageBody), attributes(input.MessageAttributes));
    return { output: { MessageId: messageId, MD5OfMessageBody: md5(body) } };
  } catch (error) {
    if (error instanceof NotTaken) return { error: 'InvalidMessageContents', message: error.message };
    throw error;
  }
}

function sendBatch(queue: SqsQueue, input: Input): Result {
  const entries: Input[] = Array.isArray(input.Entries) ? input.Entries : [];
  const bytes = entries.reduce((sum, { MessageBody: body }) => sum + Buffer.byteLength(text(body)), 0);
  if (entries.length === 0 || entries.length > 10)
    return { error: 'TooManyEntriesInBatchRequest', message: '1 to 10 entries.' };
  if (bytes > 1024 * 1024) return { error: 'BatchRequestTooLong', message: 'Over 1 MiB.' };
  const results = entries.map((entry) => ({ Id: text(entry.Id), result: send(queue, entry) }));
  const Successful = results.flatMap(({ Id, result }) => ('output' in result ? [{ Id, ...result.output }] : []));
  const Failed = results.flatMap(({ Id, result }) =>
    'error' in result ? [{ Id, Code: result.error, Message: result.message, SenderFault: true }] : [],
  );
  return { output: { Successful, Failed } };
}

function receive(queue: SqsQueue, input: Input): Result {
  const max = Math.min(10, Number(input.MaxNumberOfMessages ?? 1));
  const Messages = queue.receive(max).map(toApiMessage);
  return { output: Messages.length > 0 ? { Messages } : {} };
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
    },
    MessageAttributes: message.attributes,
  };
}

function attributes(value: unknown): Record<string, MessageAttribute> {
  return typeof value === 'object' && value !== null ? { ...(value as Record<string, MessageAttribute>) } : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
