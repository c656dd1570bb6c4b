import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { inBatches, inParallel } from './batches.ts';
import { awsCode, clientSettings, harden, REQUEST_MS } from './client.ts';

/**
 * A request and each event in it may have 1 MB since January 2026, and had 256 KB before, which the API's reference still
 * says. A batch hardly comes to that, so what is safe costs nothing. The rest of 256 KB is for what EventBridge adds.
 * https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb
 */
export const MAX_EVENT_BYTES = 250_000;
const LIMITS = { entries: 10, bytes: MAX_EVENT_BYTES };

/** Events that the bus did not take. */
export interface LostEvents {
  /** How many there were in all. */
  events: number;
  lost: number;
  cause: unknown;
}

/** Puts events on a bus, by their details. Gives what was lost on the way, if anything was. Never throws. */
export type PutEvents = (details: readonly string[]) => Promise<LostEvents | undefined>;

export interface PutEventsOptions {
  client: EventBridgeClient;
  /** A bus's name or ARN. */
  bus: string;
  /** The events' `source`. */
  source: string;
  detailType: string;
  timeout?: (ms: number) => AbortSignal;
}

export function createEventBridgeClient(): EventBridgeClient {
  return harden(new EventBridgeClient(clientSettings()));
}

/** All events that it is given at once go out within one time limit, the same as for messages to SQS. */
export function createPutEvents(options: PutEventsOptions): PutEvents {
  const { client, bus, source, detailType, timeout = AbortSignal.timeout } = options;
  return async (details) => {
    const abortSignal = timeout(REQUEST_MS);
    let lost = 0;
    let cause: unknown;
    await inParallel(inBatches(details, LIMITS, Buffer.byteLength), async (batch) => {
      const Entries = batch.map((Detail): PutEventsRequestEntry => {
        return { EventBusName: bus, Source: source, DetailType: detailType, Detail };
      });
      try {
        const { Entries: answers = [] } = await client.send(new PutEventsCommand({ Entries }), { abortSignal });
        const refused = answers.filter(({ ErrorCode: code }) => code !== undefined);
        lost += refused.length;
        const [first] = refused;
        if (first) cause = new Error(`EventBridge refused ${refused.length} events: ${awsCode(first.ErrorCode)}`);
      } catch (error) {
        lost += batch.length;
        cause = error;
      }
    });
    return lost > 0 ? { events: details.length, lost, cause } : undefined;
  };
}
