/** What SQS's JSON protocol calls an error, and where the query protocol has another name, that one. */
const QUERY_CODES = {
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  InvalidAttributeName: undefined,
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  InvalidMessageContents: undefined,
  InvalidParameterValue: undefined,
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  ReceiptHandleIsInvalid: undefined,
  ResourceNotFoundException: undefined,
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  UnknownOperationException: 'InvalidAction',
} as const;

export type SqsErrorCode = keyof typeof QUERY_CODES;

/** Why SQS does not do what it is asked. */
export class SqsError extends Error {
  readonly code: SqsErrorCode;

  constructor(code: SqsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A code as the query protocol has it, and the header by which the JSON protocol repeats it. */
export function queryCode(code: string): string {
  const known: Readonly<Record<string, string | undefined>> = QUERY_CODES;
  return known[code] ?? code;
}
