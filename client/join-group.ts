import { InvokeCommand, type InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda';

export interface JoinGroupInput {
  groupId: string;
  /** 1 to 3000 distinct users. */
  userIds: readonly string[];
  /** Renames the group in push notifications, for everyone. */
  groupName?: string;
  requestId?: string;
}

/**
 * What became of users: nothing happened, RongCloud said no, or they may have joined. After `unknown`, make the same call
 * again: a user who is in the group already stays in it.
 */
export type Outcome = 'not_sent' | 'rejected' | 'unknown';

export interface Failure {
  /**
   * A code of the service (docs/api.md lists them), or one of this client: `INVOKE_THROTTLED`, `INVOKE_REFUSED` (no such
   * function, no right to invoke it), `INVOKE_FAILED` (no answer of Lambda) and `FUNCTION_FAILED` (no answer of the
   * function that can be read).
   */
  code: string;
  outcome: Outcome;
  /** Whether the same call may succeed later. */
  retryable: boolean;
}

export interface Joined {
  kind: 'joined';
  groupId: string;
  joined: string[];
  requestId: string;
}

export interface Failed extends Failure {
  kind: 'failed';
  groupId: string;
  /** A sentence for people. */
  detail: string;
  /** Those who joined all the same. */
  joined: string[];
  /** Everyone else, by failure. The two lists hold each distinct user once. */
  failed: (Failure & { userIds: string[] })[];
  requestId?: string;
  upstreamCode?: number;
  /** What is wrong with the input, after `INVALID_REQUEST`. */
  errors?: { pointer: string; detail: string }[];
  /** What the AWS SDK threw, if it did. */
  cause?: unknown;
}

export type JoinGroupResult = Joined | Failed;

export interface JoinGroupOptions {
  /** The name or the ARN of the Invoke door's function. */
  functionName: string;
  /** A client for another region or other limits. It should make one attempt, since the function tries again by itself. */
  client?: { send(command: InvokeCommand): Promise<Pick<InvokeCommandOutput, 'FunctionError' | 'Payload'>> };
}

/** The function has 30 seconds. */
const REQUEST_MS = 35_000;

/** Gives a function that puts users into a group through the Invoke door. That function never throws. */
export function createJoinGroup({ functionName, client = createClient() }: JoinGroupOptions) {
  return async (input: JoinGroupInput): Promise<JoinGroupResult> => {
    const command = new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(input) });
    const users = Array.isArray(input.userIds) ? [...new Set<string>(input.userIds)] : [];
    const all = (failure: Failure, more: { detail: string; cause?: unknown }): Failed => {
      const failed = users.length > 0 ? [{ userIds: users, ...failure }] : [];
      return { kind: 'failed', groupId: input.groupId, ...failure, ...more, joined: [], failed };
    };
    let answer: Pick<InvokeCommandOutput, 'FunctionError' | 'Payload'>;
    try {
      answer = await client.send(command);
    } catch (cause) {
      return all(...explainThrown(cause));
    }
    const payload = parse(new TextDecoder().decode(answer.Payload));
    if (answer.FunctionError === undefined) {
      return isAnswer(payload) ? { ...payload, kind: 'joined' } : all(...unreadable('an answer that can not be read'));
    }
    const error = isObject(payload) ? payload : {};
    const message = text(error.errorMessage) ?? '';
    const problem = parse(message);
    if (!isProblem(problem)) return all(...unreadable(`${text(error.errorType) ?? 'an error'}: ${message}`));
    const { code, outcome, retryable, detail, requestId, upstreamCode, errors } = problem;
    const facts = { detail, requestId, ...(upstreamCode !== undefined && { upstreamCode }), ...(errors && { errors }) };
    // No call was made, so it is the same for all.
    if (problem.failed.length === 0) return { ...all({ code, outcome, retryable }, facts), ...facts };
    const failed = problem.failed.map(({ offset, count, ...failure }) => {
      const { code, outcome, retryable } = failure;
      return { userIds: users.slice(offset, offset + count), code, outcome, retryable };
    });
    const missed = new Set(failed.flatMap(({ userIds }) => userIds));
    const joined = users.filter((userId) => !missed.has(userId));
    const missedOnce = missed.size === failed.reduce((sum, { userIds }) => sum + userIds.length, 0);
    if (joined.length !== problem.joined || !missedOnce)
      return all(...unreadable('positions that do not fit the users'));
    return { kind: 'failed', groupId: input.groupId, code, outcome, retryable, ...facts, joined, failed };
  };
}

function createClient(): LambdaClient {
  return new LambdaClient({
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 2000, requestTimeout: REQUEST_MS, throwOnRequestTimeout: true },
  });
}

type Explained = [failure: Failure, more: { detail: string; cause?: unknown }];

/** Lambda refused, or did not answer. */
function explainThrown(cause: unknown): Explained {
  const error: Record<string, unknown> = isObject(cause) ? cause : {};
  const status = isObject(error.$metadata) ? error.$metadata.httpStatusCode : undefined;
  const name = text(error.name) ?? 'an error';
  if (status === 429) {
    const detail = 'Lambda runs no more of this function at the moment. Nothing was sent.';
    return [
      { code: 'INVOKE_THROTTLED', outcome: 'not_sent', retryable: true },
      { detail, cause },
    ];
  }
  if ((typeof status === 'number' && status >= 400 && status < 500) || name === 'CredentialsProviderError') {
    // A function that is being created or updated answers 409 for a while.
    const failure = { code: 'INVOKE_REFUSED', outcome: 'not_sent', retryable: status === 409 } as const;
    return [failure, { detail: `Lambda refused the invocation (${name}). Nothing was sent.`, cause }];
  }
  const detail = `Lambda gave no answer (${name}). The users may have joined; repeating is safe.`;
  return [
    { code: 'INVOKE_FAILED', outcome: 'unknown', retryable: true },
    { detail, cause },
  ];
}

/** The function ended without an answer of its own: it ran out of time or memory, or could not start. */
function unreadable(why: string): Explained {
  const detail = `The function gave ${why.slice(0, 300)}. The users may have joined; repeating is safe.`;
  return [{ code: 'FUNCTION_FAILED', outcome: 'unknown', retryable: true }, { detail }];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAnswer(value: unknown): value is Omit<Joined, 'kind'> {
  if (!isObject(value) || typeof value.groupId !== 'string' || typeof value.requestId !== 'string') return false;
  return Array.isArray(value.joined) && value.joined.every((userId) => typeof userId === 'string');
}

interface Problem extends Failure {
  detail: string;
  requestId: string;
  upstreamCode?: number;
  errors?: { pointer: string; detail: string }[];
  joined: number;
  failed: (Failure & { offset: number; count: number })[];
}

function isFailure(value: unknown): value is Failure {
  if (!isObject(value) || typeof value.code !== 'string' || typeof value.retryable !== 'boolean') return false;
  return value.outcome === 'not_sent' || value.outcome === 'rejected' || value.outcome === 'unknown';
}

function isProblem(value: unknown): value is Problem {
  if (!isObject(value) || typeof value.detail !== 'string' || typeof value.requestId !== 'string') return false;
  if (value.errors !== undefined && !Array.isArray(value.errors)) return false;
  return isFailure(value) && Array.isArray(value.failed) && value.failed.every(isPart);
}

function isPart(value: unknown): boolean {
  return isFailure(value) && isObject(value) && isPosition(value.offset) && isPosition(value.count);
}

function isPosition(value: unknown): boolean {
  return typeof value === 'number' && value >= 0;
}
