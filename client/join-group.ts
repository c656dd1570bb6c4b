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
   * function, no right to invoke it, no region or credentials), `INVOKE_FAILED` (no answer of Lambda) and
   * `FUNCTION_FAILED` (no answer of the function that can be read).
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
  /** `partial` if somebody joined. */
  kind: 'partial' | 'failed';
  groupId: string;
  /** A sentence for people. */
  detail: string;
  /** Those who joined all the same. */
  joined: string[];
  /** Everyone else, by failure. The two lists hold each distinct user once. */
  failed: (Failure & { userIds: string[] })[];
  /**
   * Those of `failed` with the code `UNDECIDED`: RongCloud refused a call with them, and it was not found out for whom.
   * Ask again for them alone.
   */
  undecided: string[];
  /** Why the group did not get its name, if somebody joined. */
  nameError?: Failure & { upstreamCode?: number };
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
  client?: { send(command: InvokeCommand, options: { abortSignal: AbortSignal }): Promise<InvokeAnswer> };
}

type InvokeAnswer = Pick<InvokeCommandOutput, 'FunctionError' | 'Payload'>;

/** For the whole answer: the function has 30 seconds. */
const REQUEST_MS = 35_000;

/** Gives a function that puts users into a group through the Invoke door. That function never throws. */
export function createJoinGroup({ functionName, client = createClient() }: JoinGroupOptions) {
  return async (input: JoinGroupInput): Promise<JoinGroupResult> => {
    const payload = attempt(() => JSON.stringify(input));
    // What the function gets to see, if it can.
    const asked: unknown = (payload && parse(payload)) || input;
    const { groupId, users } = attempt(() => namesIn(asked)) ?? { groupId: '', users: [] };
    const all = (failure: Failure, more: { detail: string; cause?: unknown }): Failed => {
      const failed = users.length > 0 ? [{ userIds: users, ...failure }] : [];
      return { kind: 'failed', groupId, ...failure, ...more, joined: [], failed, undecided: [] };
    };
    if (payload === undefined) {
      const detail = 'The input can not be written as JSON. Nothing was sent.';
      return all({ code: 'INVALID_REQUEST', outcome: 'not_sent', retryable: false }, { detail });
    }
    const command = new InvokeCommand({ FunctionName: functionName, Payload: payload });
    const progress = watch(command);
    try {
      const answer = await inTime((abortSignal) => client.send(command, { abortSignal }));
      const result = attempt(() => readAnswer(answer, groupId, users, all));
      return result ?? all(...unreadable('an answer that can not be read'));
    } catch (cause) {
      const isUnsent = progress.began && !progress.sent;
      return all(...(attempt(() => explainThrown(cause, isUnsent)) ?? explainThrown(undefined, isUnsent)));
    }
  };
}

/** The group that an input names, and its distinct users. */
function namesIn(input: unknown): { groupId: string; users: string[] } {
  const { groupId, userIds } = isObject(input) ? input : {};
  const ids: unknown[] = Array.isArray(userIds) ? userIds : [];
  return { groupId: text(groupId) ?? '', users: [...new Set(ids.flatMap((id) => text(id) ?? []))] };
}

/** What an answer of Lambda says of the users of a request. */
function readAnswer(
  { FunctionError, Payload }: InvokeAnswer,
  groupId: string,
  users: string[],
  all: (...explained: Explained) => Failed,
): JoinGroupResult {
  const payload = parse(new TextDecoder().decode(Payload ?? new Uint8Array()));
  if (FunctionError === undefined) {
    if (!isAnswer(payload)) return all(...unreadable('an answer that can not be read'));
    const { joined, requestId } = payload;
    const isAsAsked = payload.groupId === groupId && isSameSet(joined, users);
    return isAsAsked ? { kind: 'joined', groupId, joined, requestId } : all(...unreadable('an answer about others'));
  }
  const error = isObject(payload) ? payload : {};
  const message = text(error.errorMessage) ?? '';
  const problem = parse(message);
  if (!isProblem(problem)) return all(...unreadable(`${text(error.errorType) ?? 'an error'}: ${message}`));
  const { code, outcome, retryable, detail, requestId, upstreamCode, errors, nameError } = problem;
  const facts = { detail, requestId, ...(upstreamCode !== undefined && { upstreamCode }), ...(errors && { errors }) };
  // No call was made, so it is the same for all.
  if (problem.failed.length === 0 && problem.joined === 0) {
    return { ...all({ code, outcome, retryable }, facts), ...facts };
  }
  const failed = problem.failed.map(({ offset, count, ...failure }) => {
    const { code, outcome, retryable } = failure;
    return { userIds: users.slice(offset, offset + count), code, outcome, retryable };
  });
  const missed = new Set(failed.flatMap(({ userIds }) => userIds));
  const joined = users.filter((userId) => !missed.has(userId));
  const counted = problem.failed.reduce((sum, { count }) => sum + count, 0);
  // Each position is one user's, everyone else joined, and something failed.
  const fits = missed.size === counted && joined.length === problem.joined && (counted > 0 || nameError !== undefined);
  if (!fits) return all(...unreadable('positions that do not fit the users'));
  const undecided = failed.flatMap(({ userIds, code }) => (code === 'UNDECIDED' ? userIds : []));
  const kind = joined.length > 0 ? 'partial' : 'failed';
  const name = nameError && { nameError };
  return { kind, groupId, code, outcome, retryable, ...facts, joined, failed, undecided, ...name };
}

function createClient(): LambdaClient {
  return new LambdaClient({ maxAttempts: 1, requestHandler: { connectionTimeout: 2000 } });
}

/** Whether the SDK has begun with a command, and whether a request of it may have gone out. */
function watch({ middlewareStack }: InvokeCommand): { began: boolean; sent: boolean } {
  const progress = { began: false, sent: false };
  const note = (step: 'began' | 'sent') => {
    return <Args, Result>(next: (args: Args) => Promise<Result>) =>
      (args: Args): Promise<Result> => {
        progress[step] = true;
        return next(args);
      };
  };
  middlewareStack.add(note('began'), { step: 'initialize', priority: 'high' });
  middlewareStack.add(note('sent'), { step: 'deserialize', priority: 'low' });
  return progress;
}

/** Ends a request that takes too long: the SDK's own limit ends with the headers of an answer. */
async function inTime<T>(request: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DOMException(`no whole answer within ${REQUEST_MS} ms`, 'TimeoutError'));
      limit.abort();
    }, REQUEST_MS);
  });
  try {
    return await Promise.race([request(limit.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

type Explained = [failure: Failure, more: { detail: string; cause?: unknown }];

/** Lambda refused, or did not answer, or was not asked. */
function explainThrown(cause: unknown, isUnsent: boolean): Explained {
  const error: Record<string, unknown> = isObject(cause) ? cause : {};
  const { httpStatusCode: status, attempts }: Record<string, unknown> = isObject(error.$metadata)
    ? error.$metadata
    : {};
  const name = text(error.name) ?? 'an error';
  // What ended the last attempt says nothing of those before.
  const isRepeated = typeof attempts === 'number' && attempts > 1;
  if (status === 429 && !isRepeated) {
    const detail = 'Lambda runs no more of this function at the moment. Nothing was sent.';
    return [
      { code: 'INVOKE_THROTTLED', outcome: 'not_sent', retryable: true },
      { detail, cause },
    ];
  }
  const isRefused = typeof status === 'number' && status >= 400 && status < 500;
  if (!isRepeated && (isRefused || isUnsent || name === 'CredentialsProviderError')) {
    // A function that is being created or updated answers 409 for a while.
    const failure = { code: 'INVOKE_REFUSED', outcome: 'not_sent', retryable: status === 409 } as const;
    const what = isRefused ? 'Lambda refused the invocation' : 'Lambda could not be asked';
    return [failure, { detail: `${what} (${name}). Nothing was sent.`, cause }];
  }
  const what = isRepeated ? `${attempts} attempts at Lambda failed` : 'Lambda gave no answer';
  const detail = `${what} (${name}). The users may have joined; repeating is safe.`;
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

function attempt<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  return attempt(() => JSON.parse(text));
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

function isSameSet(some: readonly string[], distinct: readonly string[]): boolean {
  const found = new Set(some);
  return some.length === distinct.length && distinct.every((one) => found.has(one));
}

interface Problem extends Failure {
  detail: string;
  requestId: string;
  upstreamCode?: number;
  errors?: { pointer: string; detail: string }[];
  joined: number;
  failed: (Failure & { offset: number; count: number })[];
  nameError?: Failure & { upstreamCode?: number };
}

function isFailure(value: unknown): value is Failure {
  if (!isObject(value) || typeof value.code !== 'string' || typeof value.retryable !== 'boolean') return false;
  return value.outcome === 'not_sent' || value.outcome === 'rejected' || value.outcome === 'unknown';
}

function isProblem(value: unknown): value is Problem {
  if (!isObject(value) || typeof value.detail !== 'string' || typeof value.requestId !== 'string') return false;
  if (value.errors !== undefined && !Array.isArray(value.errors)) return false;
  if (value.nameError !== undefined && !isFailure(value.nameError)) return false;
  return isFailure(value) && Array.isArray(value.failed) && value.failed.every(isPart);
}

function isPart(value: unknown): boolean {
  return isFailure(value) && isObject(value) && isCount(value.offset, 0) && isCount(value.count, 1);
}

function isCount(value: unknown, min: number): boolean {
  return Number.isInteger(value) && Number(value) >= min;
}
