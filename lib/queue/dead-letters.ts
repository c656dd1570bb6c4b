import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';
import type { JoinErrorCode } from '../errors.ts';
import { SQS_REQUEST_MS } from './sqs-client.ts';

/** A message that can never succeed as it is, and why. */
export interface DeadLetter {
  messageId: string;
  requestId: string;
  /** As it came. */
  body: string;
  code: JoinErrorCode;
  /** How many of its users did not join; 0 if it could not be read. */
  failedCount: number;
}

export interface DeadLetterQueue {
  /** Sends letters. Gives the message ids of those that the queue took, and why it did not take others. Never throws. */
  send(letters: readonly DeadLetter[]): Promise<{ taken: ReadonlySet<string>; error?: unknown }>;
}

/** SQS takes 10 messages and 1 MiB in one request. */
const MAX_ENTRIES = 10;
const MAX_BYTES = 1_000_000;
const MAX_PARALLEL = 8;

/** A dead-letter queue: bodies verbatim, with the attributes `code`, `requestId` and `failedCount`. */
export function createDeadLetterQueue(client: SQSClient, queueUrl: string): DeadLetterQueue {
  return {
    async send(letters) {
      const taken = new Set<string>();
      let error: unknown;
      const abortSignal = AbortSignal.timeout(SQS_REQUEST_MS);
      const waiting = inRequests(letters);
      const worker = async (): Promise<void> => {
        for (let some = waiting.shift(); some; some = waiting.shift()) {
          const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: some.map(toEntry) });
          try {
            const { Successful: successful = [], Failed: failed = [] } = await client.send(command, { abortSignal });
            for (const { Id: id } of successful) {
              const letter = some[Number(id)];
              if (letter) taken.add(letter.messageId);
            }
            if (failed[0]) error = new Error(`SQS refused ${failed.length} dead letters: ${failed[0].Code}`);
          } catch (thrown) {
            error = thrown;
          }
        }
      };
      await Promise.all(Array.from({ length: MAX_PARALLEL }, worker));
      return { taken, error };
    },
  };
}

function inRequests(letters: readonly DeadLetter[]): DeadLetter[][] {
  const requests: DeadLetter[][] = [];
  let bytes = 0;
  for (const letter of letters) {
    const size = Buffer.byteLength(letter.body);
    const last = requests.at(-1);
    if (last && last.length < MAX_ENTRIES && bytes + size <= MAX_BYTES) {
      last.push(letter);
      bytes += size;
    } else {
      requests.push([letter]);
      bytes = size;
    }
  }
  return requests;
}

function toEntry({ body, code, requestId, failedCount }: DeadLetter, index: number): SendMessageBatchRequestEntry {
  return {
    Id: String(index),
    MessageBody: body,
    MessageAttributes: {
      code: { DataType: 'String', StringValue: code },
      requestId: { DataType: 'String', StringValue: requestId },
      failedCount: { DataType: 'Number', StringValue: String(failedCount) },
    },
  };
}
