/** RongCloud takes at most 36 characters as X-Request-ID (the vendor's page "API Request Signature"). */
const REQUEST_ID = /^[\w.:-]{1,36}$/;

/** A caller's own request id, if it is one that can go into answers, logs and calls; else undefined. Never throws. */
export function validRequestId(candidate: unknown): string | undefined {
  return typeof candidate === 'string' && REQUEST_ID.test(candidate) ? candidate : undefined;
}
