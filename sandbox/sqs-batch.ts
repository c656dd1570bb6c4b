import type { AwsOperation } from './aws.ts';
import { MAX_BYTES } from './sqs-message.ts';

export type Input = Record<string, unknown>;
export type Result = ReturnType<AwsOperation>;

const MAX_ENTRIES = 10;

/** Carries out an operation for each entry of a batch. `sizeOf` gives what counts towards the limit of a request. */
export function onEachEntry(
  { Entries: entries }: Input,
  operation: (entry: Input) => Result,
  sizeOf: (entry: Input) => number = () => 0,
): Result {
  if (!Array.isArray(entries) || entries.length === 0) {
    return { error: 'EmptyBatchRequest', message: 'There are no entries.' };
  }
  if (entries.length > MAX_ENTRIES) return { error: 'TooManyEntriesInBatchRequest', message: '1 to 10 entries.' };
  const objects = entries.map((entry: unknown): Input => (typeof entry === 'object' ? { ...entry } : {}));
  if (new Set(objects.map(({ Id }) => Id)).size < objects.length) {
    return { error: 'BatchEntryIdsNotDistinct', message: 'Two entries have the same id.' };
  }
  if (objects.reduce((sum, entry) => sum + sizeOf(entry), 0) > MAX_BYTES) {
    return { error: 'BatchRequestTooLong', message: 'Over 1 MiB.' };
  }
  const results = objects.map((entry) => ({ Id: entry.Id, result: operation(entry) }));
  const Successful = results.flatMap(({ Id, result }) => ('output' in result ? [{ Id, ...result.output }] : []));
  const Failed = results.flatMap(({ Id, result }) =>
    'error' in result ? [{ Id, Code: result.error, Message: result.message, SenderFault: true }] : [],
  );
  return { output: { Successful, Failed } };
}
