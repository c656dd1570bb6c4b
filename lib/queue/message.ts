import { type FieldError, JoinError } from '../errors.ts';
import { parseMessage } from '../join/request.ts';
import { validRequestId } from '../join/request-id.ts';
import { parseRequestText } from '../join/request-text.ts';
import type { QueuedJoin } from './coalesce.ts';
import type { DeadLetter } from './dead-letters.ts';

/** A message as SQS delivers it. */
export interface QueueMessage {
  messageId: string;
  body: string;
  /** When it was first sent, in milliseconds since 1970. */
  sentAt: number;
  /** The MessageGroupId that it was sent with. */
  senderGroup?: string | undefined;
  receiptHandle: string;
  /** How often it has been delivered, this time included. */
  receiveCount: number;
}

const MAX_ERRORS = 10;
const VISIBLE_ASCII = /^[!-~]*$/;

/** The request in a message; a message that holds none is a dead letter as it came. Never throws. */
export function readMessage({ messageId, body, sentAt, senderGroup }: QueueMessage): QueuedJoin | DeadLetter {
  let requestId = messageId;
  try {
    const value: unknown = parseRequestText(body);
    if (typeof value === 'object' && value !== null && 'requestId' in value) {
      requestId = validRequestId(value.requestId) ?? messageId;
    }
    return { messageId, requestId, sentAt, senderGroup, request: parseMessage(value) };
  } catch (thrown) {
    const errors = thrown instanceof JoinError ? thrown.fields?.slice(0, MAX_ERRORS).map(toAttribute) : undefined;
    return { messageId, requestId, body, code: 'INVALID_REQUEST', failedCount: 0, errors };
  }
}

/** A fault as SQS takes it in an attribute: instead of a key that might hold other characters its parent is pointed at. */
function toAttribute({ pointer, detail }: FieldError): FieldError {
  return { pointer: VISIBLE_ASCII.test(pointer) ? pointer : '', detail };
}
