/** What is known about the join: nothing was sent, the IM service said no, or it may have happened. */
export type Outcome = 'not_sent' | 'rejected' | 'unknown';

interface Failure {
  status: number;
  outcome: Outcome;
  retryable: boolean;
  detail: string;
  retryAfterSeconds?: number;
}

const FAILURES = {
  INVALID_REQUEST: {
    status: 400,
    outcome: 'not_sent',
    retryable: false,
    detail: 'The request is not valid.',
  },
  UNAUTHENTICATED: {
    status: 401,
    outcome: 'not_sent',
    retryable: false,
    detail: 'A valid bearer token is required.',
  },
  FORBIDDEN: {
    status: 403,
    outcome: 'not_sent',
    retryable: false,
    detail: 'The caller may not make this join.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    outcome: 'not_sent',
    retryable: false,
    detail: 'The body must be application/json.',
  },
  GROUP_FULL: {
    status: 409,
    outcome: 'rejected',
    retryable: false,
    detail: 'The group has no room for these users.',
  },
  UPSTREAM_REJECTED: {
    status: 422,
    outcome: 'rejected',
    retryable: false,
    detail: 'The IM service refused the request.',
  },
  UPSTREAM_MISCONFIGURED: {
    status: 502,
    outcome: 'rejected',
    retryable: false,
    detail: 'The IM service refuses this service until a person acts.',
  },
  UPSTREAM_UNREADABLE: {
    status: 502,
    outcome: 'unknown',
    retryable: true,
    detail: 'The IM service gave an answer that says nothing. The users may have joined; repeating is safe.',
  },
  UPSTREAM_RATE_LIMITED: {
    status: 503,
    outcome: 'rejected',
    retryable: true,
    retryAfterSeconds: 2,
    detail: 'The IM service takes no more calls at the moment.',
  },
  UPSTREAM_CREDENTIALS: {
    status: 503,
    outcome: 'rejected',
    retryable: true,
    retryAfterSeconds: 30,
    detail: "The IM service refuses this service's credentials.",
  },
  UPSTREAM_UNAVAILABLE: {
    status: 503,
    outcome: 'unknown',
    retryable: true,
    retryAfterSeconds: 5,
    detail: 'The IM service failed. The users may have joined; repeating is safe.',
  },
  UPSTREAM_UNREACHABLE: {
    status: 503,
    outcome: 'not_sent',
    retryable: true,
    retryAfterSeconds: 5,
    detail: 'The IM service is out of reach.',
  },
  CREDENTIALS_UNAVAILABLE: {
    status: 503,
    outcome: 'not_sent',
    retryable: true,
    retryAfterSeconds: 5,
    detail: "This service's credentials for the IM service are not available.",
  },
  IDENTITY_UNAVAILABLE: {
    status: 503,
    outcome: 'not_sent',
    retryable: true,
    retryAfterSeconds: 5,
    detail: "The token issuer's keys are out of reach.",
  },
  QUEUE_UNAVAILABLE: {
    status: 503,
    outcome: 'not_sent',
    retryable: true,
    retryAfterSeconds: 5,
    detail: 'The queue did not take the request.',
  },
  UPSTREAM_TIMEOUT: {
    status: 504,
    outcome: 'unknown',
    retryable: true,
    detail: 'The IM service did not answer in time. The users may have joined; repeating is safe.',
  },
  DEADLINE_EXCEEDED: {
    status: 504,
    outcome: 'not_sent',
    retryable: true,
    detail: 'Too little time was left to send the request.',
  },
  INTERNAL: {
    status: 500,
    outcome: 'unknown',
    retryable: false,
    detail: 'Something went wrong in this service.',
  },
} as const satisfies Record<string, Failure>;

/** Every way a join can fail. */
export type JoinErrorCode = keyof typeof FAILURES;

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
  cause?: unknown;
}

/** The one error of this service. What a code means for the caller stands in one table. */
export class JoinError extends Error {
  readonly code: JoinErrorCode;
  readonly status: number;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;
  readonly upstreamCode: number | undefined;
  readonly requestId: string | undefined;
  readonly fields: readonly FieldError[] | undefined;

  constructor(code: JoinErrorCode, options: JoinErrorOptions = {}) {
    const failure: Failure = FAILURES[code];
    super(options.detail ?? failure.detail, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'JoinError';
    this.code = code;
    this.status = failure.status;
    this.outcome = options.outcome ?? failure.outcome;
    this.retryable = failure.retryable;
    this.retryAfterSeconds = failure.retryAfterSeconds;
    this.upstreamCode = options.upstreamCode;
    this.requestId = options.requestId;
    this.fields = options.fields;
  }
}

/** Whatever was thrown, as a JoinError: anything unforeseen is INTERNAL, with the original as its cause. */
export function toJoinError(thrown: unknown): JoinError {
  return thrown instanceof JoinError ? thrown : new JoinError('INTERNAL', { cause: thrown });
}

/** The same failure for users that no call was made for, because an earlier call met it. */
export function notSent(error: JoinError): JoinError {
  return new JoinError(error.code, { detail: error.message, outcome: 'not_sent', cause: error });
}

const UNCERTAINTY: Record<Outcome, number> = { not_sent: 0, rejected: 1, unknown: 2 };

/** The least certain of some outcomes: unknown, then rejected, then not_sent. */
export function leastCertain(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce((worst, next) => (UNCERTAINTY[next] > UNCERTAINTY[worst] ? next : worst), 'not_sent');
}

/** With type about:blank, a problem's title is its status's reason phrase (RFC 9457, section 4.2.1). */
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  409: 'Conflict',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** A problem body of RFC 9457. */
export interface Problem {
  type: 'about:blank';
  title: string;
  status: number;
  code: JoinErrorCode;
  detail: string;
  requestId: string;
  outcome: Outcome;
  retryable: boolean;
  upstreamCode?: number;
  errors?: readonly FieldError[];
}

/** The problem body for an error: a code, a sentence and a request id, and nothing that came from elsewhere. */
export function toProblem(error: JoinError, requestId: string): Problem {
  return {
    type: 'about:blank',
    title: REASONS[error.status] ?? 'Error',
    status: error.status,
    code: error.code,
    detail: error.message,
    requestId,
    outcome: error.outcome,
    retryable: error.retryable,
    ...(error.upstreamCode !== undefined && { upstreamCode: error.upstreamCode }),
    ...(error.fields && { errors: error.fields }),
  };
}
