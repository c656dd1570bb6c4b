/** Gives slots for calls at a steady rate, one at a time. */
export interface Pacer {
  /** Marks the start of an invocation: its first slot waits one interval too, so that a cold start makes no burst. */
  begin(): void;
  /**
   * Waits for the next slot; slots are given in the order in which they were asked for. When its turn comes, `wanted`
   * says whether a slot at that time (milliseconds since 1970) is of any use: if not, resolves to false at once.
   */
  slot(wanted: (at: number) => boolean): Promise<boolean>;
  /** Gives way: RongCloud refused a call because there are too many. */
  refused(): void;
}

export interface PacerOptions {
  /** What the rate is at the most. */
  ratePerSecond: number;
  /** Milliseconds since 1970. */
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
}

/** What a refusal divides the rate by. Half would leave RongCloud's limit shut where it counts refused calls too. */
const CUT = 4;
/** Calls a second that are left when everything else needs the limit. */
const MIN_RATE = 1;

/**
 * A pacer whose next slot is never sooner than one interval after the last was really given: time that was lost to a
 * stall is not made up for. A refusal cuts the rate to a quarter, at most once a second; each second without one gives one
 * call a second back.
 */
export function createPacer({ ratePerSecond, now, sleep }: PacerOptions): Pacer {
  let last = Number.NEGATIVE_INFINITY;
  let turn: Promise<unknown> = Promise.resolve();
  let reducedRate = ratePerSecond;
  let reducedAt = Number.NEGATIVE_INFINITY;
  let refusedAt = Number.NEGATIVE_INFINITY;

  function rate(): number {
    const calmSeconds = Math.max(0, Math.floor((now() - refusedAt) / 1000));
    return Math.min(ratePerSecond, reducedRate + calmSeconds);
  }

  async function next(wanted: (at: number) => boolean): Promise<boolean> {
    const at = Math.max(now(), last + 1000 / rate());
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
    refused() {
      const current = rate();
      const isNew = now() - reducedAt >= 1000;
      reducedRate = isNew ? Math.max(Math.min(MIN_RATE, ratePerSecond), current / CUT) : current;
      if (isNew) reducedAt = now();
      refusedAt = now();
    },
  };
}
