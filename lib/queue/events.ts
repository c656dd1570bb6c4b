import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { awsCode } from '../aws/client.ts';
import type { JoinErrorCode } from '../errors.ts';
import { EVENTS_MS } from './eventbridge-client.ts';

/** What a batch did for one request: how many of its users joined and did not. No users are named. */
export interface RequestResult {
  requestId: string;
  joined: number;
  refused: number;
  undecided: number;
  /** Why the first refused user, or the name, was refused. */
  code?: JoinErrorCode;
}

/** What a batch did for the requests of one group: an event's detail. */
export interface GroupResults {
  groupId: string;
  results: readonly RequestResult[];
}

/** Events that the bus did not take. */
export interface LostEvents {
  /** How many there were in all. */
  events: number;
  lost: number;
  cause: unknown;
}

/** Tells what a batch did. Gives what was lost on the way, if anything was. Never throws. */
export type Announce = (groups: readonly GroupResults[]) => Promise<LostEvents | undefined>;

export interface AnnounceOptions {
  client: EventBridgeClient;
  /** A bus's name or ARN. */
  bus: string;
  /** The events' `source`. */
  source: string;
  timeout?: (ms: number) => AbortSignal;
}

const DETAIL_TYPE = 'Joins Settled';
const MAX_ENTRIES = 10;
/**
 * A request and each event in it may have 1 MB since January 2026, and had 256 KB before, which the API's reference still
 * says. A batch hardly comes to that, so what is safe costs nothing. The rest of 256 KB is for what EventBridge adds.
 * https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb
 */
const MAX_BYTES = 250_000;
const MAX_PARALLEL = 8;

/** Tells an EventBridge bus, one event for each group. All events of a batch go out within one time limit. */
export function createAnnounce(options: AnnounceOptions): Announce {
  const { client, bus, source, timeout = AbortSignal.timeout } = options;
  return async (groups) => {
    const details = groups.flatMap(toDetails);
    const waiting = inRequests(details);
    const abortSignal = timeout(EVENTS_MS);
    let lost = 0;
    let cause: unknown;
    const worker = async (): Promise<void> => {
      for (let some = waiting.shift(); some; some = waiting.shift()) {
        const Entries = some.map((Detail): PutEventsRequestEntry => {
          return { EventBusName: bus, Source: source, DetailType: DETAIL_TYPE, Detail };
        });
        try {
          const { Entries: answers = [] } = await client.send(new PutEventsCommand({ Entries }), { abortSignal });
          const refused = answers.filter(({ ErrorCode: code }) => code !== undefined);
          lost += refused.length;
          const [first] = refused;
          if (first) cause = new Error(`EventBridge refused ${refused.length} events: ${awsCode(first.ErrorCode)}`);
        } catch (error) {
          lost += some.length;
          cause = error;
        }
      }
    };
    await Promise.all(Array.from({ length: MAX_PARALLEL }, worker));
    return lost > 0 ? { events: details.length, lost, cause } : undefined;
  };
}

/** The event for a group; several, if one would be too large. */
function toDetails({ groupId, results }: GroupResults): string[] {
  const detail = JSON.stringify({ groupId, results });
  if (Buffer.byteLength(detail) <= MAX_BYTES || results.length <= 1) return [detail];
  const middle = Math.ceil(results.length / 2);
  return [results.slice(0, middle), results.slice(middle)].flatMap((half) => toDetails({ groupId, results: half }));
}

/** The events of as few requests as the limits allow. */
function inRequests(details: readonly string[]): string[][] {
  const requests: string[][] = [];
  let bytes = 0;
  for (const detail of details) {
    const size = Buffer.byteLength(detail);
    const last = requests.at(-1);
    if (last && last.length < MAX_ENTRIES && bytes + size <= MAX_BYTES) {
      last.push(detail);
      bytes += size;
    } else {
      requests.push([detail]);
      bytes = size;
    }
  }
  return requests;
}
