import { Logger } from '@aws-lambda-powertools/logger';
import type { JoinError } from './errors.ts';

/** All that a log line may hold, by name: nothing else gets into the logs. */
export interface LogFields {
  door: 'http' | 'invoke';
  requestId: string;
  groupId?: string;
  /** How many users were named; never who. */
  users?: number;
  joined?: number;
  /** How many did not join. */
  failed?: number;
  /** Sendings to the IM service, and the time they took together. */
  attempts?: number;
  upstreamMs?: number;
  /** The host that was called last. */
  domain?: string;
  durationMs: number;
}

/** Writes one line for each request: info when everyone joined, warn or error otherwise. */
export type LogRequest = (fields: LogFields, error?: JoinError) => void;

export function createRequestLog(): LogRequest {
  const logger = new Logger({ serviceName: 'rongcloud-group-join' });
  return (fields, error) => {
    if (!error) {
      logger.info('joined', { ...fields });
      return;
    }
    const { code, status, outcome, upstreamCode } = error;
    const stack = code === 'INTERNAL' ? framesOf(error.cause) : undefined;
    const line = { ...fields, code, status, outcome, upstreamCode, cause: describe(error.cause), stack };
    if (status >= 500) logger.error('not joined', line);
    else logger.warn('not joined', line);
  };
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
