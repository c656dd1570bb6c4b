import {
  type JoinError,
  type JoinErrorCode,
  leastCertain,
  notSent,
  type Problem,
  toJoinError,
  toProblem,
} from './errors.ts';
import type { JoinRequest } from './join-request.ts';
import type { CallOptions, RongCloudClient } from './rongcloud/client.ts';
import { toCalls } from './rongcloud/form.ts';

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
}

/** What fails one call because of the group, of this service or of time fails the calls after it as well. */
const STOPS_THE_REST: ReadonlySet<JoinErrorCode> = new Set([
  'GROUP_FULL',
  'UPSTREAM_MISCONFIGURED',
  'UPSTREAM_CREDENTIALS',
  'CREDENTIALS_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
]);

/** Puts users into a group, in as few calls as the limits allow, one after another. Never throws. */
export type JoinGroup = (request: JoinRequest, options: CallOptions) => Promise<JoinReport>;

export function createJoinGroup(client: Pick<RongCloudClient, 'join'>): JoinGroup {
  return async (request, options) => {
    const joined: string[] = [];
    const failed: FailedUsers[] = [];
    let offset = 0;
    for (const call of toCalls(request)) {
      const error = await attempt(client, call.form, options);
      if (error) failed.push({ offset, userIds: call.userIds, error });
      else joined.push(...call.userIds);
      offset += call.userIds.length;
      if (error && STOPS_THE_REST.has(error.code)) {
        const rest = request.userIds.slice(offset);
        if (rest.length > 0) failed.push({ offset, userIds: rest, error: notSent(error) });
        break;
      }
    }
    return { groupId: request.groupId, joined, failed };
  };
}

async function attempt(
  client: Pick<RongCloudClient, 'join'>,
  form: string,
  options: CallOptions,
): Promise<JoinError | undefined> {
  try {
    await client.join(form, options);
    return undefined;
  } catch (thrown) {
    return toJoinError(thrown);
  }
}

/**
 * The problem that stands for all failures of a report: the first one's code and status, the least certain outcome,
 * and worth repeating only if each of them is. Undefined when everyone joined.
 */
export function reportProblem({ failed }: JoinReport, requestId: string): Problem | undefined {
  const first = failed[0];
  if (!first) return undefined;
  return {
    ...toProblem(first.error, requestId),
    outcome: leastCertain(failed.map(({ error }) => error.outcome)),
    retryable: failed.every(({ error }) => error.retryable),
  };
}
