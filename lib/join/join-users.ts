import type { Sleep } from '../clock.ts';
import { JoinError, notSent, outcomeUnknown } from '../errors.ts';
import type { CallOptions } from '../rongcloud/call.ts';
import { toCalls } from '../rongcloud/form.ts';
import { refusesUsersOrGroup } from '../rongcloud/return-codes.ts';
import type { JoinRequest } from './join-request.ts';
import { RequestCalls, type RequestClient } from './request-calls.ts';
import { type Fates, type Naming, settleUsers } from './settle.ts';

/** Users of one request, side by side in its list, that did not join for one reason. `offset` is where they begin. */
export interface FailedUsers {
  offset: number;
  userIds: readonly string[];
  error: JoinError;
}

/** What became of each user of a request, and of its name. */
export interface JoinReport {
  groupId: string;
  joined: readonly string[];
  failed: readonly FailedUsers[];
  /** Users who went to the queue instead. */
  queued?: readonly string[];
  /** Why the group does not have the name, where somebody joined. */
  nameError?: JoinError;
  /** Whether the name was neither given nor refused. */
  isNameOpen?: boolean;
}

/** How often a request may be sent besides once for each of its first calls. */
const MORE_SENDINGS = 24;

/**
 * Puts users into a group, in as few calls as the limits allow, and finds out for whom a refused call was refused.
 * Never throws.
 */
export type JoinUsers = (request: JoinRequest, options: CallOptions) => Promise<JoinReport>;

export function createJoinUsers(client: RequestClient, sleep: Sleep): JoinUsers {
  return async (request, options) => {
    const { groupId, userIds, groupName } = request;
    const calls = new RequestCalls(client, sleep, options, toCalls(request).length + MORE_SENDINGS);
    const naming = groupName === undefined ? [] : [{ request }];
    const fates = await settleUsers({ groupId, userIds, naming }, { makeCall: calls.makeCall });
    const joined = userIds.filter((userId) => fates.fateOf(userId) === 'joined');
    const failed = joined.length === userIds.length ? [] : failedUsers(request, fates, calls);
    return { groupId, joined, failed, ...nameReport(naming[0], joined.length > 0, fates, calls) };
  };
}

/** Why a request did not wholly succeed: the first of its users' failures, or the name's. */
export function failureOf({ failed, nameError }: JoinReport): JoinError | undefined {
  return failed[0]?.error ?? nameError;
}

/** The users who did not join, one entry for each run of equal failures. */
function failedUsers({ userIds }: JoinRequest, fates: Fates<Naming>, calls: RequestCalls): FailedUsers[] {
  const firstErrors = new Map<string, JoinError>();
  for (const { userIds: called, end } of calls.firstEnds) {
    const error = end.kind === 'failed' ? end.error : end.kind === 'not_started' ? notSent(end.why) : undefined;
    if (!error) continue;
    for (const userId of called) {
      // What came of the call with the name counts, if it could not be sent again without.
      if (error.outcome === 'not_sent' && firstErrors.has(userId)) continue;
      firstErrors.set(userId, refusesUsersOrGroup(error) ? UNDECIDED : error);
    }
  }
  const unknownErrors = new Map<JoinError, JoinError>();
  const runs: { offset: number; userIds: string[]; error: JoinError }[] = [];
  for (const [offset, userId] of userIds.entries()) {
    const fate = fates.fateOf(userId);
    if (fate === 'joined') continue;
    let error = fate ?? firstErrors.get(userId) ?? UNDECIDED;
    if (error.outcome !== 'unknown' && fates.mayHaveJoined(userId)) {
      const known = unknownErrors.get(error) ?? outcomeUnknown(error);
      unknownErrors.set(error, known);
      error = known;
    }
    const last = runs.at(-1);
    if (last && last.offset + last.userIds.length === offset && areEqual(last.error, error)) last.userIds.push(userId);
    else runs.push({ offset, userIds: [userId], error });
  }
  return runs;
}

const UNDECIDED = new JoinError('UNDECIDED');

function areEqual(a: JoinError, b: JoinError): boolean {
  return a.code === b.code && a.outcome === b.outcome && a.upstreamCode === b.upstreamCode;
}

/** What became of the name. A name without anybody who joined is of no use. */
function nameReport(
  name: Naming | undefined,
  hasJoined: boolean,
  { namedBy, refusedNames }: Fates<Naming>,
  { nameFailure, mayHaveName }: RequestCalls,
): Pick<JoinReport, 'nameError' | 'isNameOpen'> {
  if (!name || namedBy) return {};
  const refusal = refusedNames.get(name);
  const error = refusal ?? (nameFailure && !refusesUsersOrGroup(nameFailure) ? nameFailure : UNDECIDED);
  const nameError = mayHaveName && error.outcome !== 'unknown' ? outcomeUnknown(error) : error;
  return { ...(!refusal && { isNameOpen: true }), ...(hasJoined && { nameError }) };
}
