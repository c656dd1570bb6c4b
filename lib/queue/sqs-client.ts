import { SQSClient } from '@aws-sdk/client-sqs';
import { harden } from '../aws/client.ts';

/** For a request, its second attempt and its answer's body included: the SDK's own limits end with the headers. */
export const SQS_REQUEST_MS = 4000;
/** SQS takes so many entries in one request. */
export const MAX_ENTRIES = 10;
const MAX_PARALLEL = 8;

/** A client with time limits, which the SDK has none of by itself: two attempts of 2 seconds. */
export function createSqsClient(): SQSClient {
  return harden(
    new SQSClient({
      maxAttempts: 2,
      requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
    }),
  );
}

/** Makes requests, a few at once. `request` handles its own failure. */
export async function inParallel<T>(requests: readonly T[], request: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...requests];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await request(next);
  };
  await Promise.all(Array.from({ length: MAX_PARALLEL }, worker));
}
