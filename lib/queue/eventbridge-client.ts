import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { harden } from '../aws/client.ts';

/** For all that a batch tells, second attempts included: events go out beside the messages to SQS, in the same time. */
export const EVENTS_MS = 4000;

/** A client with time limits, which the SDK has none of by itself: two attempts of 2 seconds. */
export function createEventBridgeClient(): EventBridgeClient {
  return harden(
    new EventBridgeClient({
      maxAttempts: 2,
      requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
    }),
  );
}
