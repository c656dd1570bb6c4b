/** Waits, or rejects once the signal is aborted. */
export type Sleep = (ms: number, options?: { signal?: AbortSignal }) => Promise<unknown>;

/** What comes of some work, or what `late` gives if the work takes longer than `ms`. */
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
