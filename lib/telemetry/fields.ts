import type { FieldError, JoinErrorCode } from '../errors.ts';

/** What the line for a request holds by name, besides `coldStart` and what `describeFailure` says of a failure. */
export interface RequestFields {
  door: 'http' | 'invoke';
  requestId: string;
  /** The invocation's, whatever the caller's own is. */
  lambdaRequestId: string;
  /** What the calls to RongCloud carried as X-Request-ID, if any were made. */
  upstreamRequestId?: string;
  traceparent?: string;
  /** The client that asked, if it is a service; never a user. */
  client?: string;
  groupId?: string;
  /** How many users were named; never who. */
  users?: number;
  joined?: number;
  /** How many did not join. */
  failed?: number;
  /** How many of them for each code, if there are several codes. */
  failedByCode?: Readonly<Record<string, number>>;
  /** How many went to the queue. */
  queued?: number;
  /** Why the queue did not take what a try had left over, if the try is what the caller is told of. */
  queueRefusal?: JoinErrorCode | undefined;
  /** Sendings to RongCloud, of which one attempt may have several: the name is public and stays. */
  attempts?: number;
  /** The host, and the port if it is not the usual one, that was called last. */
  domain?: string;
  identityMs?: number;
  secretMs?: number;
  upstreamMs?: number;
  durationMs: number;
}

/** All that the line for a merged call of the queue door may hold. */
export interface CallFields {
  /** The call's own, as RongCloud saw it. */
  upstreamRequestId: string;
  lambdaRequestId: string;
  groupId: string;
  users: number;
  /** The request ids of the messages that it carried. */
  messages: readonly string[];
  /** The host, and the port if it is not the usual one, that was called last. */
  domain: string | undefined;
}

/** All that the line for a message to the dead-letter queue may hold. */
export interface DeadLetterFields {
  requestId: string;
  lambdaRequestId: string;
  messageId: string;
  code: string;
  failedCount: number;
  /** What was wrong with a message that is no valid request. */
  errors?: readonly FieldError[] | undefined;
}

/** All that the line for events that a bus did not take may hold, besides their `cause`. */
export interface LostEventsFields {
  /** The batch's. */
  requestId: string;
  lambdaRequestId: string;
  /** How many there were in all. */
  events: number;
  lost: number;
}

/** All that the line for a batch may hold. */
export interface BatchFields {
  requestId: string;
  lambdaRequestId: string;
  messages: number;
  /** How long its oldest message had waited. */
  oldestMs: number;
  users: number;
  calls: number;
  /** Messages that left the queue since nothing of them is left to do. */
  done: number;
  /** Messages that stay on the queue. */
  retained: number;
  /** Messages that went back to the queue with fewer users. */
  requeued: number;
  deadLettered: number;
  durationMs: number;
}
