/** A moment, by both of a clock's readings in milliseconds. */
export interface Moment {
  readonly wall: number;
  readonly steady: number;
}

/** Whole milliseconds by the steady clock. The global `performance` has it too, and a start takes longer for loading that. */
export function steadyMs(): number {
  return Math.floor(process.uptime() * 1000);
}

/**
 * Time by two readings, since each fails in a way that the other does not. The wall clock (milliseconds since 1970) can be
 * set back or forward at any moment. The steady clock is never set, but it may stand still while Lambda freezes the
 * environment. Every wait, deadline and duration within an invocation is steady; every age that outlives one takes both.
 */
export class Clock {
  /** Milliseconds since 1970, for what others are told: timestamps, the times of tokens, the age of messages. */
  readonly wall: () => number;
  /** Milliseconds since some moment, for deadlines and durations. */
  readonly steady: () => number;

  constructor(wall: () => number = () => Date.now(), steady: () => number = steadyMs) {
    this.wall = wall;
    this.steady = steady;
  }

  now(): Moment {
    return { wall: this.wall(), steady: this.steady() };
  }

  /** How long ago a moment was: the longer of both readings, and never less than 0. Infinity for no moment. */
  since(moment: Moment | undefined): number {
    if (!moment) return Number.POSITIVE_INFINITY;
    return Math.max(this.wall() - moment.wall, this.steady() - moment.steady, 0);
  }

  /**
   * Whether a moment was surely less than `ms` ago. False if it lies in the future by the wall clock: that was set back,
   * and the environment may have been frozen meanwhile.
   */
  isWithin(ms: number, moment: Moment | undefined): boolean {
    return moment !== undefined && moment.wall <= this.wall() && this.since(moment) < ms;
  }
}

/** Waits, or rejects once the signal is aborted. */
export type Sleep = (ms: number, options?: { signal?: AbortSignal }) => Promise<unknown>;

/** Gives the result of some work, or that of `late` if the work takes longer than `ms`. */
export function withDeadline<T, Late>(work: Promise<T>, ms: number, sleep: Sleep, late: () => Late): Promise<T | Late> {
  const settled = new AbortController();
  return new Promise((resolve, reject) => {
    work.then(resolve, reject).finally(() => settled.abort());
    const timer = sleep(Math.max(0, ms), { signal: settled.signal });
    timer.then(
      () => resolve(late()),
      () => undefined,
    );
  });
}
