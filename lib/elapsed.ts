/**
 * How long ago a moment was, both in milliseconds since 1970. Endless if it is yet to come: then a clock that was ahead
 * has been set right, and nobody knows how long it has been.
 */
export function elapsedMs(nowMs: number, sinceMs: number): number {
  const ms = nowMs - sinceMs;
  return ms < 0 ? Number.POSITIVE_INFINITY : ms;
}
