/** Gives slots for calls at a steady rate, one at a time. */
export interface Pacer {
  /** Marks the start of an invocation: its first slot waits one interval too, so that a cold start makes no burst. */
  begin(): void;
  /**
   * Waits for the next slot; slots are given in the order in which they were asked for. When its turn comes, `wanted`
   * says whether a slot at that time (milliseconds since 1970) is of any use: if not, resolves to false at once.
   */
  slot(wanted: (at: number) => boolean): Promise<boolean>;
}

export interface PacerOptions {
  ratePerSecond: number;
  /** Milliseconds since 1970. */
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
}

/**
 * A pacer whose next slot is never sooner than one interval after the last was really given: time that was lost to a
 * stall is not made up for.
 */
export function createPacer({ ratePerSecond, now, sleep }: PacerOptions): Pacer {
  const intervalMs = 1000 / ratePerSecond;
  let last = Number.NEGATIVE_INFINITY;
  let turn: Promise<unknown> = Promise.resolve();

  async function next(wanted: (at: number) => boolean): Promise<boolean> {
    const at = Math.max(now(), last + intervalMs);
    if (!wanted(at)) return false;
    const waitMs = at - now();
    if (waitMs > 0) await sleep(waitMs);
    last = Math.max(now(), at);
    return true;
  }

  return {
    begin() {
      last = Math.max(last, now());
    },
    slot(wanted) {
      const given = turn.then(() => next(wanted));
      turn = given;
      return given;
    },
  };
}
