/** What is known about the join: nothing was sent, the IM service said no, or it may have happened. */
export type Outcome = 'not_sent' | 'rejected' | 'unknown';

/**
 * Whose fault a failure is, and so what else it concerns: `caller`, this request alone; `users`, some users of one call;
 * `group`, everyone who wants to join this group; `domain`, one address of the IM service; `rate`, the calls of this
 * moment; `service`, every call, whoever it is for; `time`, this invocation; `bug`, a fault of this program.
 */
export type Blame = 'caller' | 'users' | 'group' | 'domain' | 'rate' | 'service' | 'time' | 'bug';

type Failure = readonly [status: number, outcome: Outcome, retryable: boolean, blames: Blame];

// biome-ignore format: a table is read by its columns.
const FAILURES = {
  INVALID_REQUEST:         [400, 'not_sent', false, 'caller'],
  UNAUTHENTICATED:         [401, 'not_sent', false, 'caller'],
  FORBIDDEN:               [403, 'not_sent', false, 'caller'],
  PAYLOAD_TOO_LARGE:       [413, 'not_sent', false, 'caller'],
  UNSUPPORTED_MEDIA_TYPE:  [415, 'not_sent', false, 'caller'],
  GROUP_FULL:              [409, 'rejected', false, 'group'],
  UPSTREAM_REJECTED:       [422, 'rejected', false, 'users'],
  UNDECIDED:               [503, 'rejected', true,  'users'],
  UPSTREAM_MISCONFIGURED:  [502, 'rejected', false, 'service'],
  UPSTREAM_UNREADABLE:     [502, 'unknown',  true,  'domain'],
  UPSTREAM_RATE_LIMITED:   [503, 'rejected', true,  'rate'],
  UPSTREAM_CREDENTIALS:    [503, 'rejected', true,  'service'],
  UPSTREAM_UNAVAILABLE:    [503, 'unknown',  true,  'domain'],
  UPSTREAM_UNREACHABLE:    [503, 'not_sent', true,  'domain'],
  CREDENTIALS_UNAVAILABLE: [503, 'not_sent', true,  'service'],
  IDENTITY_UNAVAILABLE:    [503, 'not_sent', true,  'service'],
  POLICY_UNAVAILABLE:      [503, 'not_sent', true,  'service'],
  QUEUE_UNAVAILABLE:       [503, 'not_sent', true,  'service'],
  UPSTREAM_TIMEOUT:        [504, 'unknown',  true,  'domain'],
  DEADLINE_EXCEEDED:       [504, 'not_sent', true,  'time'],
  INTERNAL:                [500, 'unknown',  false, 'bug'],
} as const satisfies Record<string, Failure>;

/** Every way a join can fail. */
export type JoinErrorCode = keyof typeof FAILURES;
export const JOIN_ERROR_CODES: readonly string[] = Object.keys(FAILURES);

/** What a caller is told, unless there is something better to say. */
const DETAILS: Readonly<Record<JoinErrorCode, string>> = {
  INVALID_REQUEST: 'The request is not valid.',
  UNAUTHENTICATED: 'A valid bearer token is required.',
  FORBIDDEN: 'The caller may not make this join.',
  PAYLOAD_TOO_LARGE: 'The body is larger than any valid request.',
  UNSUPPORTED_MEDIA_TYPE: 'The body must be application/json in UTF-8, and not compressed.',
  GROUP_FULL: 'The group has no room for these users.',
  UPSTREAM_REJECTED: 'The IM service refused the request.',
  UNDECIDED: 'The IM service refused some users of a call. It was not found out whether these are among them.',
  UPSTREAM_MISCONFIGURED: 'The IM service refuses this service until a person acts.',
  UPSTREAM_UNREADABLE: 'The IM service gave an unreadable answer. The users may have joined; repeating is safe.',
  UPSTREAM_RATE_LIMITED: 'The IM service takes no more calls at the moment.',
  UPSTREAM_CREDENTIALS: "The IM service refuses this service's credentials.",
  UPSTREAM_UNAVAILABLE: 'The IM service failed. The users may have joined; repeating is safe.',
  UPSTREAM_UNREACHABLE: 'The IM service is out of reach.',
  CREDENTIALS_UNAVAILABLE: "This service's credentials for the IM service are not available.",
  IDENTITY_UNAVAILABLE: "The token issuer's keys are out of reach.",
  POLICY_UNAVAILABLE: 'The rule that decides who may join gave no answer.',
  QUEUE_UNAVAILABLE: 'The queue did not take the request.',
  UPSTREAM_TIMEOUT: 'The IM service did not answer in time. The users may have joined; repeating is safe.',
  DEADLINE_EXCEEDED: 'Too little time was left to send the request.',
  INTERNAL: 'Something went wrong in this service.',
};

/** What a 503 asks callers to wait, in seconds, where it differs from the usual. */
const RETRY_AFTER_SECONDS: { readonly [Code in JoinErrorCode]?: number } = {
  UPSTREAM_RATE_LIMITED: 2,
  UPSTREAM_CREDENTIALS: 30,
};
const USUAL_RETRY_AFTER_SECONDS = 5;

/** A fault in a request: a JSON pointer into the body (`/groupId` for the path) and a sentence without values. */
export interface FieldError {
  pointer: string;
  detail: string;
}

export interface JoinErrorOptions {
  /** A sentence for the caller, instead of the code's own. Never holds ids or upstream text. */
  detail?: string;
  /** Only where it differs from the code's own. */
  outcome?: Outcome;
  /** RongCloud's return code. */
  upstreamCode?: number;
  requestId?: string;
  fields?: readonly FieldError[];
  /** Who was refused, if the token is for this app: to be counted, and told to nobody. */
  caller?: string;
  cause?: unknown;
}

/** The one error of this service. What a code means for the caller stands in one table. */
export class JoinError extends Error {
  readonly code: JoinErrorCode;
  readonly status: number;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly blames: Blame;
  readonly upstreamCode: number | undefined;
  readonly requestId: string | undefined;
  readonly fields: readonly FieldError[] | undefined;
  readonly caller: string | undefined;

  constructor(code: JoinErrorCode, options: JoinErrorOptions = {}) {
    super(options.detail ?? DETAILS[code], options.cause === undefined ? {} : { cause: options.cause });
    const [status, outcome, retryable, blames] = FAILURES[code];
    this.name = 'JoinError';
    this.code = code;
    this.status = status;
    this.outcome = options.outcome ?? outcome;
    this.retryable = retryable;
    this.blames = blames;
    this.upstreamCode = options.upstreamCode;
    this.requestId = options.requestId;
    this.fields = options.fields;
    this.caller = options.caller;
  }

  /** What a 503 asks the caller to wait, in seconds; undefined for every other status. */
  get retryAfterSeconds(): number | undefined {
    return this.status === 503 ? (RETRY_AFTER_SECONDS[this.code] ?? USUAL_RETRY_AFTER_SECONDS) : undefined;
  }
}

/** Whatever was thrown, as a JoinError: anything unforeseen is INTERNAL, with the original as its cause. */
export function toJoinError(thrown: unknown): JoinError {
  try {
    if (thrown instanceof JoinError) return thrown;
  } catch {
    // A proxy may throw when it is asked what it is.
  }
  return new JoinError('INTERNAL', { cause: thrown });
}

/** The same failure for users that no call was made for, because an earlier call met it. */
export function notSent(error: JoinError): JoinError {
  if (error.outcome === 'not_sent') return error;
  return new JoinError(error.code, { detail: error.message, outcome: 'not_sent', cause: error });
}

/** The same failure for users whom an earlier sending may have joined. */
export function outcomeUnknown(error: JoinError): JoinError {
  const { code, message, upstreamCode } = error;
  const detail = `${message} The users may have joined before; repeating is safe.`;
  return new JoinError(code, {
    detail,
    outcome: 'unknown',
    cause: error,
    ...(upstreamCode !== undefined && { upstreamCode }),
  });
}

const UNCERTAINTY: Record<Outcome, number> = { not_sent: 0, rejected: 1, unknown: 2 };

/** The least certain of some outcomes: unknown, then rejected, then not_sent. */
export function leastCertain(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce((worst, next) => (UNCERTAINTY[next] > UNCERTAINTY[worst] ? next : worst), 'not_sent');
}
