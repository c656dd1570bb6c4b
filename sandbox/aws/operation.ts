/** What an operation gives: an output, or a modeled error. */
export type AwsResult = { output: Record<string, unknown> } | { error: string; message: string };

/** Who waits for an answer. */
export interface AwsConnection {
  /** By which the caller reaches this service. */
  origin: string;
  /** Aborted when the caller no longer waits. */
  gone: AbortSignal;
}

/** One operation of an AWS service, on an input, with the token of the caller's session. */
export type AwsOperation = (
  input: Record<string, unknown>,
  sessionToken: string | undefined,
  connection: AwsConnection,
) => AwsResult | Promise<AwsResult>;

/** An operation for the callers of one session. What others are told says who that is. */
export function onlyFor(sessionToken: string, operation: AwsOperation, message: string): AwsOperation {
  return (input, given, connection) =>
    given === sessionToken ? operation(input, given, connection) : { error: 'AccessDeniedException', message };
}
