import { JoinError } from '../errors.ts';

/** Waits, or rejects once the signal is aborted. */
export type Sleep = (ms: number, options?: { signal?: AbortSignal }) => Promise<unknown>;

/** What comes of some work, or DEADLINE_EXCEEDED if it takes longer than `ms`. */
export function withDeadline<T>(work: Promise<T>, ms: number, sleep: Sleep): Promise<T | JoinError> {
  const settled = new AbortController();
  return new Promise((resolve, reject) => {
    work.then(resolve, reject).finally(() => settled.abort());
    const late = sleep(Math.max(0, ms), { signal: settled.signal });
    late.then(
      () => resolve(new JoinError('DEADLINE_EXCEEDED')),
      () => undefined,
    );
  });
}
