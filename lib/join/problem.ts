import { type FieldError, type JoinError, type JoinErrorCode, leastCertain, type Outcome } from '../errors.ts';
import { failureOf, type JoinReport } from './join-users.ts';

/** With type about:blank, a problem's title is its status's reason phrase (RFC 9457, section 4.2.1). */
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  409: 'Conflict',
  413: 'Content Too Large',
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

/**
 * The problem that stands for all failures of a report: the first one's code and status, the least certain outcome,
 * and worth repeating only if each of them is. Undefined when everyone
 * joined and the group has the name that was wanted.
 */
export function reportProblem(report: JoinReport, requestId: string): Problem | undefined {
  const first = failureOf(report);
  if (!first) return undefined;
  const errors = [...report.failed.map(({ error }) => error), ...(report.nameError ? [report.nameError] : [])];
  return {
    ...toProblem(first, requestId),
    outcome: leastCertain(errors.map(({ outcome }) => outcome)),
    retryable: errors.every(({ retryable }) => retryable),
  };
}

/** A failure within a partial answer. */
export interface PartialFailure {
  code: JoinErrorCode;
  outcome: Outcome;
  retryable: boolean;
  upstreamCode?: number;
}

export function toPartialFailure({ code, outcome, retryable, upstreamCode }: JoinError): PartialFailure {
  return { code, outcome, retryable, ...(upstreamCode !== undefined && { upstreamCode }) };
}
