import type { SeededRandom } from '../../../tools/sim/seeded-random.ts';
import type { QueueModel, TextAttributes } from './queue.ts';
import { type Trouble, troubleAt } from './trouble.ts';

/** What may go wrong with a request to SQS: `late` takes the messages and never answers, `part` refuses half of them. */
export type SqsTrouble = 'stall' | 'late' | 'error' | 'part';

/** Trouble of one queue, or of all. */
export interface QueueTrouble extends Trouble<SqsTrouble> {
  queueUrl?: string;
}

/** One message of a request, in the SDK's words. */
export interface SqsEntry {
  Id?: string | undefined;
  MessageBody?: string | undefined;
  DelaySeconds?: number | undefined;
  ReceiptHandle?: string | undefined;
  VisibilityTimeout?: number | undefined;
  MessageAttributes?: Record<string, { DataType?: string | undefined; StringValue?: string | undefined }> | undefined;
}

/** The input of the SDK's SendMessageCommand, SendMessageBatchCommand or ChangeMessageVisibilityBatchCommand. */
export interface SqsInput extends SqsEntry {
  QueueUrl?: string | undefined;
  Entries?: SqsEntry[] | undefined;
}

export interface SqsOutput {
  MessageId?: string;
  Successful: { Id: string; MessageId: string }[];
  Failed: { Id: string; Code: string; SenderFault: boolean }[];
}

export interface SqsSenderOptions {
  now: () => number;
  random: SeededRandom;
  queues: Readonly<Record<string, QueueModel>>;
  trouble: readonly QueueTrouble[];
}

/** Who sends: its time, which may end, and its invocation. */
export interface SqsClientOptions {
  sleep: (ms: number) => Promise<void>;
  invocation: () => number;
}

const MAX_BYTES = 1024 * 1024;
// What is no character of XML 1.0.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

/** What stands for the `send` of an SQS client: takes a command's input, with SQS's limits and troubles. */
export function createSqsSender(options: SqsSenderOptions) {
  const { now, random, queues, trouble } = options;
  return ({ sleep, invocation }: SqsClientOptions) =>
    async (input: SqsInput, abortSignal?: AbortSignal): Promise<SqsOutput> => {
      abortSignal?.throwIfAborted();
      const ours = trouble.filter(({ queueUrl = input.QueueUrl }) => queueUrl === input.QueueUrl);
      const kind = troubleAt(ours, now(), random);
      await sleep(random.int(5, 30));
      abortSignal?.throwIfAborted();
      if (kind === 'stall') await aborted(abortSignal);
      if (kind === 'error') throw new Error('SQS: ServiceUnavailable');
      const queue = queues[input.QueueUrl ?? ''];
      if (!queue) throw new Error('SQS: QueueDoesNotExist');
      const entries = input.Entries ?? [{ ...input, Id: 'only' }];
      checkIds(entries);
      for (const { ReceiptHandle: receiptHandle, VisibilityTimeout: seconds = 0 } of entries) {
        if (receiptHandle !== undefined) queue.changeVisibility(receiptHandle, seconds);
      }
      if (entries.some(({ ReceiptHandle }) => ReceiptHandle !== undefined)) return { Successful: [], Failed: [] };
      checkLimits(entries);
      const output: SqsOutput = { Successful: [], Failed: [] };
      for (const {
        Id: id = '',
        MessageBody: body = '',
        DelaySeconds: delaySeconds = 0,
        MessageAttributes,
      } of entries) {
        if (kind === 'part' && random.chance(0.5)) {
          if (!input.Entries) throw new Error('SQS: InternalError');
          output.Failed.push({ Id: id, Code: 'InternalError', SenderFault: false });
          continue;
        }
        const attributes = texts(MessageAttributes ?? {});
        const { messageId } = queue.send(body, { attributes, delaySeconds, sentBy: invocation() });
        output.MessageId = messageId;
        output.Successful.push({ Id: id, MessageId: messageId });
      }
      if (kind === 'late') await aborted(abortSignal);
      return output;
    };
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function texts(attributes: NonNullable<SqsEntry['MessageAttributes']>): TextAttributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, { StringValue: text = '' }]) => [name, text]));
}

function checkIds(entries: readonly SqsEntry[]): void {
  const ids = new Set(entries.map(({ Id: id }) => id));
  if (entries.length === 0 || entries.length > 10 || ids.size < entries.length)
    throw new Error('SQS: not 1 to 10 entries');
}

function checkLimits(entries: readonly SqsEntry[]): void {
  let bytes = 0;
  for (const { MessageBody: body = '', DelaySeconds: delay = 0, MessageAttributes: attributes = {} } of entries) {
    if (body === '' || FORBIDDEN.test(body)) throw new Error('SQS: InvalidMessageContents');
    if (!Number.isInteger(delay) || delay < 0 || delay > 900) throw new Error('SQS: DelaySeconds');
    bytes += Buffer.byteLength(body);
    for (const [name, { DataType: type = '', StringValue: text = '' }] of Object.entries(attributes)) {
      if (type === '' || text === '' || FORBIDDEN.test(text)) throw new Error('SQS: MessageAttributes');
      bytes += Buffer.byteLength(name + type + text);
    }
  }
  if (bytes > MAX_BYTES) throw new Error('SQS: BatchRequestTooLong');
}
