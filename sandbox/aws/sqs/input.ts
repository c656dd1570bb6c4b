/** Why SQS does not do what it is asked, in the words of its JSON protocol. */
export type SqsErrorCode =
  | 'BatchEntryIdsNotDistinct'
  | 'BatchRequestTooLong'
  | 'EmptyBatchRequest'
  | 'InvalidAttributeName'
  | 'InvalidBatchEntryId'
  | 'InvalidMessageContents'
  | 'InvalidParameterValue'
  | 'MessageNotInflight'
  | 'QueueDoesNotExist'
  | 'ReceiptHandleIsInvalid'
  | 'ResourceNotFoundException'
  | 'TooManyEntriesInBatchRequest';

export class SqsError extends Error {
  readonly code: SqsErrorCode;

  constructor(code: SqsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What a caller sent, as JSON has it or as the texts of the query protocol. */
export type Input = Record<string, unknown>;

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

export function object(value: unknown): Input {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** A whole number of an input, if it is there. Throws if it is out of its range. */
export function whole(input: Input, name: string, min: number, max: number): number | undefined {
  if (input[name] === undefined) return undefined;
  const value = Number(input[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new SqsError('InvalidParameterValue', `${name} must be ${min} to ${max}.`);
}
