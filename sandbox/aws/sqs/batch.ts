import { type Input, object, SqsError, text } from './input.ts';
import { MAX_BYTES } from './message.ts';

const MAX_ENTRIES = 10;
const ENTRY_ID = /^[\w-]{1,80}$/;

/** Carries out an operation for each entry of a batch. `sizeOf` gives what counts towards the limit of a request. */
export function onEachEntry(
  { Entries: entries }: Input,
  operation: (entry: Input) => object,
  sizeOf: (entry: Input) => number = () => 0,
): object {
  if (!Array.isArray(entries) || entries.length === 0) {
    throw new SqsError('EmptyBatchRequest', 'There are no entries.');
  }
  if (entries.length > MAX_ENTRIES) throw new SqsError('TooManyEntriesInBatchRequest', `1 to ${MAX_ENTRIES} entries.`);
  const objects = entries.map(object);
  if (objects.some(({ Id: id }) => !ENTRY_ID.test(text(id)))) {
    throw new SqsError('InvalidBatchEntryId', 'An id has 1 to 80 letters, digits, hyphens and underscores.');
  }
  if (new Set(objects.map(({ Id: id }) => id)).size < objects.length) {
    throw new SqsError('BatchEntryIdsNotDistinct', 'Two entries have the same id.');
  }
  if (objects.reduce((sum, entry) => sum + sizeOf(entry), 0) > MAX_BYTES) {
    throw new SqsError('BatchRequestTooLong', 'The batch is over 1 MiB.');
  }
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of objects) {
    try {
      Successful.push({ Id: entry.Id, ...operation(entry) });
    } catch (error) {
      if (!(error instanceof SqsError)) throw error;
      Failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: true });
    }
  }
  return { Successful, Failed };
}
