import type { Clock } from '../lib/clock.ts';
import { JoinError, toJoinError } from '../lib/errors.ts';
import { parseMessage, withoutKeys } from '../lib/join/join-request.ts';
import { failureOf, type JoinReport, type JoinUsers } from '../lib/join/join-users.ts';
import { reportProblem, toPartialFailure, toProblem } from '../lib/join/problem.ts';
import type { Telemetry } from '../lib/telemetry/telemetry.ts';
import { fieldOf } from './event-field.ts';
import { deadlineOf, type Invocation, startLine } from './invocation.ts';

export interface InvokeDeps {
  joinUsers: JoinUsers;
  telemetry: Pick<Telemetry, 'request' | 'sending'>;
  clock: Pick<Clock, 'steady'>;
}

/** The answer when everyone joined. */
export interface InvokeResult {
  groupId: string;
  joined: readonly string[];
  requestId: string;
}

/**
 * The Invoke door: event `{"groupId","userIds","groupName"?,"requestId"?}`, for callers that IAM lets in. Throws
 * unless every user joined and the name was given, so that Lambda retries an asynchronous invocation and hands it to its failure
 * destination: `errorType` is the code, `errorMessage` the problem as JSON. Lambda logs what is thrown, so it
 * holds counts and positions and no ids.
 */
export function createHandler(deps: InvokeDeps) {
  return async (event: unknown, invocation: Invocation): Promise<InvokeResult> => {
    const line = startLine('invoke', deps, invocation, { requestId: fieldOf(event, 'requestId') });
    const { requestId } = line.fields;
    let report: JoinReport;
    try {
      const request = parseMessage(event);
      line.admitted(request);
      report = await deps.joinUsers(request, {
        requestId,
        deadline: deadlineOf(line.startedAt, invocation),
        log: line,
      });
    } catch (thrown) {
      const error = toJoinError(thrown);
      line.failed(error);
      throw toThrow(error, requestId);
    }
    const error = failureOf(report);
    line.reported(report, error);
    if (error) throw toThrow(error, requestId, report);
    return { groupId: report.groupId, joined: report.joined, requestId };
  };
}

function toThrow(error: JoinError, requestId: string, report?: JoinReport): JoinError {
  const problem = (report && reportProblem(report, requestId)) ?? toProblem(error, requestId);
  const body = {
    ...problem,
    ...(problem.errors && { errors: withoutKeys(problem.errors) }),
    joined: report?.joined.length ?? 0,
    failed: (report?.failed ?? []).map(({ offset, userIds, error: { code, outcome, retryable } }) => {
      return { offset, count: userIds.length, code, outcome, retryable };
    }),
    ...(report?.nameError && { nameError: toPartialFailure(report.nameError) }),
  };
  const thrown = new JoinError(error.code, { detail: JSON.stringify(body), requestId });
  // Lambda answers and logs a thrown error's name as its type, and its stack.
  thrown.name = error.code;
  thrown.stack = '';
  return thrown;
}
