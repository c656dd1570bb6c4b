import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { JoinError } from '../errors.ts';
import type { JoinRequest } from '../join-request.ts';
import { SQS_REQUEST_MS } from './sqs.ts';

/** Puts a request on the queue. Resolves once SQS took it, throws QUEUE_UNAVAILABLE otherwise. */
export type Enqueue = (request: JoinRequest, requestId: string) => Promise<void>;

/** A sender to the queue that the queue door reads: one message for each request. */
export function createEnqueue(client: SQSClient, queueUrl: string): Enqueue {
  return async (request, requestId) => {
    try {
      const message = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: messageBody(request, requestId) });
      await client.send(message, { abortSignal: AbortSignal.timeout(SQS_REQUEST_MS) });
    } catch (cause) {
      throw new JoinError('QUEUE_UNAVAILABLE', { cause });
    }
  };
}

/**
 * A request as the queue door reads it. SQS takes the characters of XML 1.0 alone, and of those that an id may hold
 * U+FFFE and U+FFFF are none: they travel as JSON escapes.
 */
export function messageBody(request: JoinRequest, requestId: string): string {
  const json = JSON.stringify({ ...request, requestId });
  return json.replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}
