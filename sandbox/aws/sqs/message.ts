import { hash } from 'node:crypto';
import { object, SqsError, text } from './input.ts';

/** A message attribute, as SQS's API writes it. */
export interface MessageAttribute {
  DataType: string;
  StringValue?: string;
  /** In base64. */
  BinaryValue?: string;
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** How a message is sent, besides its body and attributes. */
export interface SendOptions {
  /** How long it can't be received, 0 to 900. */
  delaySeconds?: number | undefined;
  /** The sender (MessageGroupId). */
  groupId?: string | undefined;
}

/** A message on a queue. */
export interface StoredMessage {
  messageId: string;
  body: string;
  attributes: MessageAttributes;
  groupId: string | undefined;
  sentAt: number;
  firstReceivedAt: number;
  receiveCount: number;
}

/** A message that was handed out, and what deletes it. */
export interface ReceivedMessage extends StoredMessage {
  receiptHandle: string;
}

export const MAX_BYTES = 1024 * 1024;
const MAX_ATTRIBUTES = 10;
export const MAX_DELAY_SECONDS = 900;
export const MAX_VISIBILITY_SECONDS = 43_200;
// What is no character of XML 1.0.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;
const ATTRIBUTE_NAME = /^(?!aws\.|amazon\.)[\w.-]{1,256}$/i;
const DATA_TYPE = /^(String|Number|Binary)(\..+)?$/;
/** Letters, digits and punctuation of ASCII. */
const GROUP_ID = /^[!-~]{1,128}$/;

/** Throws why SQS would not take a message. */
export function checkMessage(
  body: string,
  attributes: MessageAttributes,
  { delaySeconds = 0, groupId }: SendOptions,
): void {
  if (body === '' || FORBIDDEN.test(body)) {
    throw new SqsError('InvalidMessageContents', 'Invalid characters in the message.');
  }
  const refuse = (message: string) => {
    throw new SqsError('InvalidParameterValue', message);
  };
  if (sizeOf(body, attributes) > MAX_BYTES) refuse('The message is over 1 MiB.');
  if (Object.keys(attributes).length > MAX_ATTRIBUTES) refuse(`More than ${MAX_ATTRIBUTES} attributes.`);
  for (const [name, attribute] of Object.entries(attributes)) {
    if (!ATTRIBUTE_NAME.test(name)) refuse('An attribute has a name that is not allowed.');
    if (!isAttribute(attribute)) refuse(`The attribute ${name} has no type, or no value of its type.`);
  }
  if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > MAX_DELAY_SECONDS) {
    refuse(`DelaySeconds must be 0 to ${MAX_DELAY_SECONDS}.`);
  }
  if (groupId !== undefined && !GROUP_ID.test(groupId)) refuse('MessageGroupId must be 1 to 128 characters of ASCII.');
}

/** Reads the message attributes of an input. */
export function readAttributes(value: unknown): MessageAttributes {
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

/** What SQS counts: the body, and the names, types and values of the attributes. */
export function sizeOf(body: string, attributes: MessageAttributes): number {
  const sizes = Object.entries(attributes).map(([name, { DataType, StringValue = '', BinaryValue = '' }]) => {
    return Buffer.byteLength(`${name}${DataType}${StringValue}`) + Buffer.byteLength(BinaryValue, 'base64');
  });
  return sizes.reduce((sum, size) => sum + size, Buffer.byteLength(body));
}

function isAttribute({ DataType: type, StringValue: text = '', BinaryValue: bytes = '' }: MessageAttribute): boolean {
  if (!DATA_TYPE.test(type)) return false;
  if (type.startsWith('Binary')) return bytes !== '';
  return text !== '' && !FORBIDDEN.test(text) && (!type.startsWith('Number') || Number.isFinite(Number(text)));
}

export function md5(content: string | Buffer): string {
  return hash('md5', content);
}

/**
 * The MD5 that senders and receivers check attributes by; none without attributes. SQS's guide, "Calculating the MD5
 * message digest for message attributes":
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  // By name, in the order of code units.
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.length === 0) return undefined;
  const parts = sorted.flatMap(([name, { DataType: type, StringValue: text, BinaryValue: bytes = '' }]) => [
    withLength(Buffer.from(name)),
    withLength(Buffer.from(type)),
    Buffer.from([type.startsWith('Binary') ? 2 : 1]),
    withLength(type.startsWith('Binary') ? Buffer.from(bytes, 'base64') : Buffer.from(text ?? '')),
  ]);
  return md5(Buffer.concat(parts));
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
