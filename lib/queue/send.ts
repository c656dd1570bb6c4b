import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { JoinError } from '../errors.ts';
import type { JoinRequest } from '../join/request.ts';
import type { Enqueue } from '../join/serve.ts';
import { SQS_REQUEST_MS } from './sqs-client.ts';

/** A sender to the queue that the queue door reads: one message for each request. */
export function createEnqueue(client: SQSClient, queueUrl: string): Enqueue {
  return async (request, requestId) => {
    try {
      const message = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: messageBody(request, requestId) });
      await client.send(message, { abortSignal: AbortSignal.timeout(SQS_REQUEST_MS) });
    } catch (cause) {
      return new JoinError('QUEUE_UNAVAILABLE', { cause });
    }
    return undefined;
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
