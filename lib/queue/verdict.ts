import type { JoinError, JoinErrorCode } from '../errors.ts';
import type { JoinRequest } from '../join/join-request.ts';
import type { Fates } from '../join/narrowing.ts';
import type { QueuedJoin } from './message.ts';

/** Users of a message, or its name, that RongCloud refused. */
export interface RefusedPart {
  request: JoinRequest;
  code: JoinErrorCode;
  /** How many users it is about; 0 for a name. */
  failedCount: number;
}

/** What became of a message, and what has to be sent before it may leave the queue. */
export interface Verdict {
  joined: number;
  refused: number;
  undecided: number;
  /** Why the first refused user, or the name, was refused. */
  code: JoinErrorCode | undefined;
  /** Whether nobody in it is decided, so that it stays on the queue as it is. */
  stays: boolean;
  refusedParts: readonly RefusedPart[];
  /** What is left to do, if that is less than all of it. */
  rest: JoinRequest | undefined;
}

export interface MessageVerdict {
  message: QueuedJoin;
  verdict: Verdict;
}

/** Tells the joined, the refused and the undecided users of a message apart. */
export function verdictOn(message: QueuedJoin, fates: Fates<QueuedJoin>): Verdict {
  const { groupId, userIds, groupName } = message.request;
  const joined: string[] = [];
  const refused: string[] = [];
  const undecided: string[] = [];
  let error: JoinError | undefined;
  for (const userId of userIds) {
    const fate = fates.fateOf(userId);
    if (fate === 'joined') joined.push(userId);
    // A sending may have joined the user, so that the next delivery asks again.
    else if (fate === undefined || fate.outcome === 'unknown') undecided.push(userId);
    else {
      refused.push(userId);
      error ??= fate;
    }
  }
  const refusedParts: RefusedPart[] = [];
  if (error) {
    refusedParts.push({ request: { groupId, userIds: refused }, code: error.code, failedCount: refused.length });
  }
  const refusedName = fates.refusedNames.get(message);
  if (refusedName && groupName !== undefined) {
    // Its users join again when the letter is put back, so that one who can is best.
    const carrier = joined.length > 0 ? joined : userIds;
    const request = { groupId, userIds: carrier.slice(0, 1), groupName };
    refusedParts.push({ request, code: refusedName.code, failedCount: 0 });
  }

  const name = groupName !== undefined && isNameOpen(message, fates, refusedName) ? { groupName } : {};
  // A name that is still to be given goes with a user who may join once more without harm.
  const left = undecided.length > 0 || name.groupName === undefined ? undecided : joined.slice(0, 1);
  const stays = left.length === userIds.length;
  return {
    joined: joined.length,
    refused: refused.length,
    undecided: undecided.length,
    code: (error ?? refusedName)?.code,
    stays,
    refusedParts,
    rest: left.length > 0 && !stays ? { groupId, userIds: left, ...name } : undefined,
  };
}

/** Whether a message's name is neither refused nor given, nor older than one that was given. */
function isNameOpen(message: QueuedJoin, { namedBy }: Fates<QueuedJoin>, refusal: JoinError | undefined): boolean {
  return refusal === undefined && (namedBy === undefined || namedBy.sentAt < message.sentAt);
}

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

/** A verdict as others are told of it. */
export function resultOf({ message, verdict }: MessageVerdict): RequestResult {
  const { joined, refused, undecided, code } = verdict;
  return { requestId: message.requestId, joined, refused, undecided, ...(code !== undefined && { code }) };
}
