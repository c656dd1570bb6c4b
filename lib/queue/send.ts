import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';
import { awsCode } from '../aws/client.ts';
import { JoinError } from '../errors.ts';
import { invalidRequest, type JoinRequest } from '../join/request.ts';
import type { Enqueue } from '../join/serve.ts';
import { inParallel, MAX_ENTRIES, SQS_REQUEST_MS } from './sqs-client.ts';

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

/** A sender to a queue. `timeout` makes its time limits. */
export function createSend(client: SQSClient, queueUrl: string, timeout = AbortSignal.timeout): Send {
  return async (messages, limitMs = SQS_REQUEST_MS) => {
    const ends = messages.map((): SendEnd => 'refused');
    let error: JoinError | undefined;
    const abortSignal = timeout(limitMs);
    await inParallel(inRequests(messages), async (entries) => {
      const isUnsent = abortSignal.aborted;
      try {
        const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries });
        const { Successful: successful = [], Failed: failed = [] } = await client.send(command, { abortSignal });
        for (const { Id: id } of successful) ends[Number(id)] = 'taken';
        const [first] = failed;
        if (first) error = unavailable(new Error(`SQS refused ${failed.length} messages: ${awsCode(first.Code)}`));
      } catch (cause) {
        error = unavailable(cause);
        if (!isUnsent) for (const { Id: id } of entries) ends[Number(id)] = 'unanswered';
      }
    });
    return { ends, error };
  };
}

/** Puts one request on the queue that the queue door reads. */
export function createEnqueue(send: Send): Enqueue {
  return async (request, requestId, senderGroup) => {
    const message = { body: messageBody(request, requestId), senderGroup };
    if (sizeOf(message) > MAX_BYTES) return tooLarge();
    const { error } = await send([message]);
    return error;
  };
}

/**
 * A request as the queue door reads it. SQS takes only the characters of XML 1.0. An id may hold U+FFFE and U+FFFF,
 * which are none of these: they travel as JSON escapes.
 */
export function messageBody(request: JoinRequest, requestId: string): string {
  const json = JSON.stringify({ ...request, requestId });
  return json.replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

/** Entries of as few requests as the limits allow. An entry's id is the message's position. */
function inRequests(messages: readonly OutgoingMessage[]): SendMessageBatchRequestEntry[][] {
  const requests: SendMessageBatchRequestEntry[][] = [];
  let bytes = 0;
  for (const [index, message] of messages.entries()) {
    const size = sizeOf(message);
    const last = requests.at(-1);
    if (last && last.length < MAX_ENTRIES && bytes + size <= MAX_BYTES) {
      last.push(toEntry(message, index));
      bytes += size;
    } else {
      requests.push([toEntry(message, index)]);
      bytes = size;
    }
  }
  return requests;
}

/** What SQS counts: the body, and the names, types and values of the attributes. */
export function sizeOf({ body, attributes = {} }: OutgoingMessage): number {
  const texts = Object.entries(attributes).flatMap(([name, value]) => [name, dataTypeOf(value), String(value)]);
  return Buffer.byteLength(body) + Buffer.byteLength(texts.join(''));
}

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

/** Only ids of characters that travel as escapes come to this. */
function tooLarge(): JoinError {
  const detail = 'The request fills more than the 1 MiB that a message on the queue holds: name fewer users.';
  return invalidRequest([{ pointer: '/userIds', detail }]);
}

function unavailable(cause: unknown): JoinError {
  return new JoinError('QUEUE_UNAVAILABLE', { cause });
}
