/** RongCloud takes at most 36 characters as X-Request-ID (the vendor's page "API Request Signature"). */
const REQUEST_ID = /^[\w.:-]{1,36}$/;

/** W3C Trace Context, version 00 and what may follow it. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** A caller's own request id, if it is one that can go into answers, logs and calls; else undefined. Never throws. */
export function validRequestId(candidate: unknown): string | undefined {
  return typeof candidate === 'string' && REQUEST_ID.test(candidate) ? candidate : undefined;
}

/** Whether a header is a trace's id, which may go into logs. */
export function isTraceparent(candidate: string): boolean {
  return TRACEPARENT.test(candidate);
}
