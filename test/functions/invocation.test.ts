import { describe, expect, it } from 'vitest';
import { deadlineOf, startLine } from '../../functions/invocation.ts';
import { clockOf } from '../helpers/clock-of.ts';

const invocation = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 15_000 };

describe('the deadline of a request', () => {
  it("is half a second before the invocation's end, or a door's own limit if that is sooner", () => {
    expect(deadlineOf(1000, invocation)).toBe(1000 + 15_000 - 500);
    expect(deadlineOf(1000, invocation, 8000)).toBe(1000 + 8000);
    expect(deadlineOf(1000, invocation, 60_000)).toBe(1000 + 15_000 - 500);
  });
});

describe('the line of a request', () => {
  const start = (given: { requestId?: unknown; traceparent?: string }) =>
    startLine('http', { telemetry: { request: () => {}, sending: () => {} }, clock: clockOf(() => 0) }, invocation, {
      requestId: undefined,
      ...given,
    }).fields;

  it("has the caller's request id if that is a valid one", () => {
    expect(start({ requestId: 'mine' })).toMatchObject({ requestId: 'mine', lambdaRequestId: 'aws-1' });
    expect(start({ requestId: 'a b' }).requestId).toBe('aws-1');
    expect(start({}).requestId).toBe('aws-1');
  });

  const TRACE = '0af7651916cd43dd8448eb211c80319c';
  const SPAN = 'b7ad6b7169203331';
  it.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`ff-${TRACE}-${SPAN}-00`, true],
    [`0-${TRACE}-${SPAN}-01`, false],
    [`00-${TRACE.slice(1)}-${SPAN}-01`, false],
    [`00-${TRACE}-${SPAN}0-01`, false],
    [`00-${TRACE}-${SPAN}-1`, false],
    [`00-${TRACE}-${SPAN}-01-more`, false],
    [` 00-${TRACE}-${SPAN}-01`, false],
    [`00-${TRACE}-${SPAN}-0G`, false],
    ['', false],
  ])('has the trace context %j: %s', (traceparent, isLogged) => {
    expect(start({ traceparent }).traceparent).toBe(isLogged ? traceparent : undefined);
  });
});
