import type { FieldError, JoinErrorCode } from '../errors.ts';
import { MAX_BYTES, type OutgoingMessage, sizeOf } from './send.ts';

/** A message for the dead-letter queue: what can't succeed as it is, and why. */
export interface DeadLetter {
  /** The message that it comes from. */
  messageId: string;
  requestId: string;
  body: string;
  code: JoinErrorCode;
  /** How many users it is about; 0 for a name, and for a message that could not be read. */
  failedCount: number;
  /** What was wrong with a message that is no valid request. */
  errors?: readonly FieldError[] | undefined;
}

/**
 * A dead letter as it is sent: with the attributes `code`, `requestId`, `failedCount` and, where it has any, `errors`,
 * unless it is too large for them.
 */
export function toDeadLetter({ body, code, requestId, failedCount, errors }: DeadLetter): OutgoingMessage {
  const wrong = errors && { errors: JSON.stringify(errors) };
  const message = { body, attributes: { code, requestId, failedCount, ...wrong } };
  return sizeOf(message) <= MAX_BYTES ? message : { body };
}
