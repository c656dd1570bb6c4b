import { SQSClient } from '@aws-sdk/client-sqs';

/** For a request, its second attempt and its answer's body included: the SDK's own limits end with the headers. */
export const SQS_REQUEST_MS = 4000;

/** A client with time limits, which the SDK has none of by itself: two attempts of 2 seconds. */
export function createSqsClient(): SQSClient {
  return new SQSClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
  });
}
