import { STATUS_CODES } from 'node:http';
import { describe, expect, it } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import { reportProblem, toProblem } from '../../../lib/join/problem.ts';

describe('toProblem', () => {
  it('is a problem body with nothing of the cause in it', () => {
    const error = new JoinError('UPSTREAM_REJECTED', { upstreamCode: 1002, cause: new Error('private') });
    expect(toProblem(error, 'r-1')).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Content',
      status: 422,
      code: 'UPSTREAM_REJECTED',
      detail: 'The IM service refused the request.',
      requestId: 'r-1',
      outcome: 'rejected',
      retryable: false,
      upstreamCode: 1002,
    });
  });

  it.each([
    ['INVALID_REQUEST', 400],
    ['UNAUTHENTICATED', 401],
    ['FORBIDDEN', 403],
    ['GROUP_FULL', 409],
    ['UNSUPPORTED_MEDIA_TYPE', 415],
    ['INTERNAL', 500],
    ['UPSTREAM_UNREADABLE', 502],
    ['QUEUE_UNAVAILABLE', 503],
    ['UPSTREAM_TIMEOUT', 504],
  ] as const)('gives %s the reason phrase of its status, %i, for a title', (code, status) => {
    expect(toProblem(new JoinError(code), 'r-1')).toMatchObject({ status, title: STATUS_CODES[status] });
  });

  it('leaves out what an error does not have', () => {
    const problem = toProblem(new JoinError('FORBIDDEN'), 'r-1');
    expect(Object.keys(problem).filter((key) => key === 'upstreamCode' || key === 'errors')).toEqual([]);
  });

  it('lists the fields at fault', () => {
    const fields = [{ pointer: '/userIds/1', detail: 'Must not be empty.' }];
    expect(toProblem(new JoinError('INVALID_REQUEST', { fields }), 'r-1')).toMatchObject({ errors: fields });
  });
});

/** A report of a join whose users failed as told, one by one. */
const reportOf = (...codes: JoinErrorCode[]) => ({
  groupId: 'g',
  joined: ['a'],
  failed: codes.map((code, offset) => ({
    offset,
    userIds: [`u${offset}`],
    error: new JoinError(code, { upstreamCode: offset }),
  })),
});

describe('reportProblem', () => {
  it('is the first failure with the least certain outcome, retryable only if all are', () => {
    expect(reportProblem(reportOf('UPSTREAM_REJECTED', 'UPSTREAM_TIMEOUT', 'UPSTREAM_UNREACHABLE'), 'r')).toMatchObject(
      { code: 'UPSTREAM_REJECTED', status: 422, outcome: 'unknown', retryable: false, upstreamCode: 0 },
    );
    expect(
      reportProblem(reportOf('UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_UNREACHABLE'), 'r'),
    ).toMatchObject({ status: 503, outcome: 'unknown', retryable: true });
  });

  it('is nothing when everyone joined', () => {
    expect(reportProblem(reportOf(), 'r')).toBeUndefined();
  });
});
