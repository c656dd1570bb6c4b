const SANE = /^[\w.:-]{1,36}$/;

/**
 * The id that a request goes by in the answer, the logs and the upstream call: the caller's own if it is a sane one
 * of at most 36 characters (RongCloud's limit), else `fallback`. Never an error.
 */
export function requestIdOr(candidate: unknown, fallback: string): string {
  return typeof candidate === 'string' && SANE.test(candidate) ? candidate : fallback;
}
