import { createPutEvents, type LostEvents, MAX_EVENT_BYTES, type PutEventsOptions } from '../aws/event-bus.ts';
import type { JoinErrorCode } from '../errors.ts';

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

/** Tells what a batch did. Gives what was lost on the way, if anything was. Never throws. */
export type Announce = (groups: readonly GroupResults[]) => Promise<LostEvents | undefined>;

const DETAIL_TYPE = 'Joins Settled';

/** Tells an EventBridge bus, one event for each group. */
export function createAnnounce(options: Omit<PutEventsOptions, 'detailType'>): Announce {
  const putEvents = createPutEvents({ ...options, detailType: DETAIL_TYPE });
  return (groups) => putEvents(groups.flatMap(toDetails));
}

/** The event for a group; several, if one would be too large. */
function toDetails({ groupId, results }: GroupResults): string[] {
  const detail = JSON.stringify({ groupId, results });
  if (Buffer.byteLength(detail) <= MAX_EVENT_BYTES || results.length <= 1) return [detail];
  const middle = Math.ceil(results.length / 2);
  return [results.slice(0, middle), results.slice(middle)].flatMap((half) => toDetails({ groupId, results: half }));
}
