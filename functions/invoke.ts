import { JoinError, toJoinError } from '../lib/errors.ts';
import { parseMessage, withoutKeys } from '../lib/join/join-request.ts';
import { reportProblem, toProblem } from '../lib/join/problem.ts';
import { failureOf, type Invocation, type ServeDeps, type Served, serve } from '../lib/join/serve.ts';
import { fieldOf } from './event-field.ts';

/** The answer when everyone joined. */
export interface InvokeResult {
  groupId: string;
  joined: readonly string[];
  requestId: string;
}

/**
 * The Invoke door: event `{"groupId","userIds","groupName"?,"requestId"?}`, for callers that IAM lets in. Throws
 * unless every user joined, so that Lambda retries an asynchronous invocation and hands it to its failure
 * destination: `errorType` is the code, `errorMessage` the problem as JSON. Lambda logs what is thrown, so it
 * holds counts and positions and no ids.
 */
export function createHandler(deps: ServeDeps) {
  return async (event: unknown, invocation: Invocation): Promise<InvokeResult> => {
    const served = await serve(deps, {
      door: 'invoke',
      invocation,
      givenRequestId: fieldOf(event, 'requestId'),
      admit: async () => ({ request: parseMessage(event) }),
    });
    const error = failureOf(served);
    if (served.kind !== 'reported' || error) throw toThrow(toJoinError(error), served);
    const { groupId, joined } = served.report;
    return { groupId, joined, requestId: served.requestId };
  };
}

function toThrow(error: JoinError, served: Served): JoinError {
  const { requestId } = served;
  const report = served.kind === 'reported' ? served.report : undefined;
  const problem = (report && reportProblem(report, requestId)) ?? toProblem(error, requestId);
  const failed = report?.failed.map(({ offset, userIds, error: { code, outcome, retryable } }) => {
    return { offset, count: userIds.length, code, outcome, retryable };
  });
  const errors = problem.errors && { errors: withoutKeys(problem.errors) };
  const body = { ...problem, ...errors, joined: report?.joined.length ?? 0, failed: failed ?? [] };
  const thrown = new JoinError(error.code, { detail: JSON.stringify(body), requestId });
  // Lambda answers and logs a thrown error's name as its type, and its stack.
  thrown.name = error.code;
  thrown.stack = '';
  return thrown;
}
