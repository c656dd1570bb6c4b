import { type Blame, type JoinError, notSent } from '../errors.ts';
import type { CallOptions } from '../rongcloud/call.ts';
import type { RongCloudClient } from '../rongcloud/client.ts';
import { toCalls, toForm } from '../rongcloud/form.ts';
import type { JoinRequest } from './join-request.ts';

/** Users of one request that did not join, and why. `offset` is where they begin in the request's list. */
export interface FailedUsers {
  offset: number;
  userIds: readonly string[];
  error: JoinError;
}

/** What became of each user of a request. */
export interface JoinReport {
  groupId: string;
  joined: readonly string[];
  failed: readonly FailedUsers[];
  /** Users who went to the queue instead. */
  queued?: readonly string[];
}

/** Why users of a request did not join, and will not by the queue either: the first such failure, if there is one. */
export function failureOf({ failed }: JoinReport): JoinError | undefined {
  return failed[0]?.error;
}

/** A failure that would meet the calls after it as well. */
const STOPS_THE_REST: ReadonlySet<Blame> = new Set(['group', 'service', 'time', 'bug']);

/** Puts users into a group, in as few calls as the limits allow, one after another. Never throws. */
export type JoinUsers = (request: JoinRequest, options: CallOptions) => Promise<JoinReport>;

export function createJoinUsers(client: Pick<RongCloudClient, 'join'>): JoinUsers {
  return async (request, options) => {
    const joined: string[] = [];
    const failed: FailedUsers[] = [];
    let offset = 0;
    for (const call of toCalls(request)) {
      const end = await client.join(toForm(call), options);
      const error = end.kind === 'failed' ? end.error : end.kind === 'not_started' ? end.why : undefined;
      if (error) failed.push({ offset, userIds: call.userIds, error });
      else joined.push(...call.userIds);
      offset += call.userIds.length;
      if (error && STOPS_THE_REST.has(error.blames)) {
        const rest = request.userIds.slice(offset);
        if (rest.length > 0) failed.push({ offset, userIds: rest, error: notSent(error) });
        break;
      }
    }
    return { groupId: request.groupId, joined, failed };
  };
}
