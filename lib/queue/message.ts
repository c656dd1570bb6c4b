import { type DeliveredMessage, MAX_BYTES, type OutgoingMessage, type Send, sizeOf } from '../aws/sqs.ts';
import { type FieldError, JoinError, type JoinErrorCode } from '../errors.ts';
import { validRequestId } from '../ids.ts';
import type { Enqueue } from '../join/join-or-queue.ts';
import { invalidRequest, type JoinRequest, parseMessage } from '../join/join-request.ts';
import { parseRequestText } from '../join/request-text.ts';

/** A message as SQS delivers it. */
export interface QueueMessage extends DeliveredMessage {
  body: string;
  /** When it was first sent, in milliseconds since 1970. */
  sentAt: number;
  /** The MessageGroupId that it was sent with. */
  senderGroup?: string | undefined;
}

/** A valid request as it came from the queue. */
export interface QueuedJoin {
  /** SQS's id of the message. */
  messageId: string;
  /** The id that the request goes by for whoever sent it. */
  requestId: string;
  /** When it was first sent, in milliseconds since 1970. */
  sentAt: number;
  /** What SQS serves senders fairly by. */
  senderGroup: string | undefined;
  request: JoinRequest;
}

/** Users of a message, or its name, that RongCloud refused. */
export interface RefusedPart {
  request: JoinRequest;
  code: JoinErrorCode;
  /** How many users it is about; 0 for a name. */
  failedCount: number;
}

/** A message for the dead-letter queue: what can't succeed as it is, and why. */
export interface DeadLetter {
  /** The message that it comes from. */
  messageId: string;
  requestId: string;
  body: string;
  code: JoinErrorCode;
  /** How many users it is about; 0 for a name, and for a message that holds no valid request. */
  failedCount: number;
  /** What was wrong with a message that is no valid request. */
  errors?: readonly FieldError[] | undefined;
}

/** A dead letter that was sent, without its body, which holds the users' ids. */
export type SentLetter = Omit<DeadLetter, 'body'>;

/** How long a message with fewer users waits before its next delivery. */
const MIN_DELAY_SECONDS = 5;
const MAX_DELAY_SECONDS = 60;
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

/** Puts one request on the queue that the queue door reads. */
export function createEnqueue(send: Send): Enqueue {
  return async (request, requestId, senderGroup) => {
    const message = { body: messageBody(request, requestId), senderGroup };
    if (sizeOf(message) > MAX_BYTES) return tooLarge();
    return (await send([message])).error;
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

/**
 * A dead letter as it is sent: with the attributes `code`, `requestId`, `failedCount` and, where it has any, `errors`,
 * as far as there is room for them.
 */
export function toDeadLetter({ body, code, requestId, failedCount, errors }: DeadLetter): OutgoingMessage {
  const message = { body, attributes: { code, requestId, failedCount } };
  const detailed = { body, attributes: { ...message.attributes, ...(errors && { errors: JSON.stringify(errors) }) } };
  return [detailed, message].find((letter) => sizeOf(letter) <= MAX_BYTES) ?? { body };
}

/** A message with fewer users than the one whose place it takes. It keeps its age and its sender. */
export function toRest(message: QueuedJoin, request: JoinRequest, random: () => number): OutgoingMessage {
  const { requestId, sentAt, senderGroup } = message;
  const delaySeconds = Math.round(MIN_DELAY_SECONDS + random() * (MAX_DELAY_SECONDS - MIN_DELAY_SECONDS));
  return { body: messageBody(request, requestId), attributes: { firstSentAt: sentAt }, delaySeconds, senderGroup };
}

/** Only ids of characters that travel as escapes come to this. */
function tooLarge(): JoinError {
  const detail = 'The request fills more than the 1 MiB that a message on the queue holds: name fewer users.';
  return invalidRequest([{ pointer: '/userIds', detail }]);
}
