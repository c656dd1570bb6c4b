import { createHash } from 'node:crypto';
import type { MessageAttributes } from './message.ts';

export function md5(content: string | Buffer): string {
  return createHash('md5').update(content).digest('hex');
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
