import { Logger } from '@aws-lambda-powertools/logger';
import type { JoinError } from './errors.ts';

/** All that the line for a request may hold, by name: nothing else gets into the logs. */
export interface LogFields {
  door: 'http' | 'invoke';
  requestId: string;
  groupId?: string;
  /** How many users were named; never who. */
  users?: number;
  joined?: number;
  /** How many did not join. */
  failed?: number;
  /** How many went to the queue. */
  queued?: number;
  /** Sendings to the IM service, and the time they took together. */
  attempts?: number;
  upstreamMs?: number;
  /** The host that was called last. */
  domain?: string;
  durationMs: number;
}

/** All that the line for a merged call of the queue door may hold. */
export interface CallFields {
  requestId: string;
  groupId: string;
  users: number;
  /** The request ids of the messages that it carried. */
  messages: readonly string[];
}

/** All that the line for a message that went to the dead-letter queue may hold. */
export interface DeadLetterFields {
  requestId: string;
  messageId: string;
  code: string;
  failedCount: number;
}

/** All that the line for a batch may hold. */
export interface BatchFields {
  requestId: string;
  messages: number;
  calls: number;
  /** Messages that left the queue because all their users joined. */
  done: number;
  /** Messages that stay on the queue. */
  back: number;
  deadLettered: number;
  durationMs: number;
}

/** Writes one line for each request: info when everyone joined, warn or error otherwise. */
export type LogRequest = (fields: LogFields, error?: JoinError) => void;

/** Writes the queue door's lines. */
export interface QueueLog {
  call(fields: CallFields, error?: JoinError): void;
  deadLetter(fields: DeadLetterFields): void;
  batch(fields: BatchFields, error?: JoinError): void;
}

const SERVICE = { serviceName: 'rongcloud-group-join' };

export function createRequestLog(): LogRequest {
  const logger = new Logger(SERVICE);
  return (fields, error) => {
    if (!error) logger.info(fields.queued === undefined ? 'joined' : 'queued', { ...fields });
    else write(logger, 'not joined', { ...fields }, error);
  };
}

export function createQueueLog(): QueueLog {
  const logger = new Logger(SERVICE);
  const door = { door: 'queue' };
  return {
    call(fields, error) {
      if (!error) logger.info('called', { ...door, ...fields });
      else write(logger, 'call failed', { ...door, ...fields }, error);
    },
    deadLetter: (fields) => logger.warn('dead-lettered', { ...door, ...fields }),
    batch(fields, error) {
      if (!error) logger.info('batch done', { ...door, ...fields });
      else write(logger, 'batch cut short', { ...door, ...fields }, error);
    },
  };
}

function write(logger: Logger, message: string, fields: Record<string, unknown>, error: JoinError): void {
  const { code, status, outcome, upstreamCode, cause } = error;
  const stack = code === 'INTERNAL' ? framesOf(cause) : undefined;
  const line = { ...fields, code, status, outcome, upstreamCode, cause: describe(cause), stack };
  if (status >= 500) logger.error(message, line);
  else logger.warn(message, line);
}

/** Where an unforeseen error came from: its stack without its message. */
function framesOf(thrown: unknown): string[] | undefined {
  if (!(thrown instanceof Error)) return undefined;
  return thrown.stack?.split('\n').filter((line) => /^ +at /.test(line));
}

const MAX_CAUSES = 4;

/** A cause as name and message, and its causes behind it. Whatever was thrown, this does not throw. */
export function describe(cause: unknown): string | undefined {
  const parts: string[] = [];
  let current = cause;
  while (current !== undefined && parts.length < MAX_CAUSES) {
    if (!(current instanceof Error)) {
      parts.push(`a thrown ${current === null ? 'null' : typeof current}`);
      break;
    }
    parts.push(`${current.name}: ${current.message}`);
    current = current.cause;
  }
  return parts.length > 0 ? parts.join(' <- ') : undefined;
}
