import { SQSClient } from '@aws-sdk/client-sqs';

/** A client with time limits, which the SDK has none of by itself: two attempts of 2 seconds. */
export function createSqsClient(): SQSClient {
  return new SQSClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
  });
}
