import { Clock } from '../../lib/clock.ts';

/** Time that passes only when everything waits for it, so that a day takes milliseconds and each run is the same. */
export interface SimulatedTime {
  /** Milliseconds since 1970, as they are. */
  now(): number;
  /** What code is told, whose wall clock may be wrong. */
  clock: Clock;
  /** Sets the wall clock this much forward, or back if it is negative. */
  setWall(byMs: number): void;
  /** Like `setTimeout` of node:timers/promises: rejects with the signal's reason when it is aborted. */
  sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
  /** Like `AbortSignal.timeout`. */
  timeout(ms: number): AbortSignal;
  /** Lets time pass until some work is settled. Fails if the work waits for nothing that time could bring. */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  at: number;
  order: number;
  wake: () => void;
}

// One for all: a new one takes a stack.
const TIMED_OUT = new DOMException('timed out', 'TimeoutError');

/** A clock that starts at `startMs`, 2026-01-01 by default. */
export function createSimulatedTime(startMs = Date.UTC(2026, 0, 1)): SimulatedTime {
  const heap: Timer[] = [];
  let nowMs = startMs;
  let wallAheadMs = 0;
  let order = 0;
  let steps = 0;

  return {
    now: () => nowMs,
    clock: new Clock(
      () => nowMs + wallAheadMs,
      () => nowMs,
    ),
    setWall(byMs) {
      wallAheadMs += byMs;
    },
    sleep(ms, { signal } = {}) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const timer: Timer = { at: nowMs + Math.max(0, ms), order: order++, wake: resolve };
        if (signal) {
          const abort = (): void => {
            // Left in the heap: it is skipped when its turn comes, and does not hold the clock up.
            timer.order = -1;
            reject(signal.reason);
          };
          signal.addEventListener('abort', abort, { once: true });
          timer.wake = () => {
            // A signal that outlives many sleeps would otherwise gather listeners.
            signal.removeEventListener('abort', abort);
            resolve();
          };
        }
        push(heap, timer);
      });
    },
    timeout(ms) {
      const controller = new AbortController();
      push(heap, {
        at: nowMs + ms,
        order: order++,
        wake: () => controller.abort(TIMED_OUT),
      });
      return controller.signal;
    },
    async run(work) {
      let settled = false;
      const watched = work.finally(() => {
        settled = true;
      });
      watched.catch(() => undefined);
      for (;;) {
        // All that can go on without time passing does so before the next tick. Once in a while the event loop has its
        // turn, which takes longer, so that a test's time limit can end it.
        steps += 1;
        await new Promise<void>((done) => (steps % 1000 === 0 ? setImmediate(done) : process.nextTick(done)));
        if (settled) return watched;
        let next = pop(heap);
        while (next && next.order === -1) next = pop(heap);
        if (!next) throw new Error('everything waits, and nothing will come');
        nowMs = Math.max(nowMs, next.at);
        next.wake();
      }
    },
  };
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let child = heap.push(timer) - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    const above = heap[parent];
    if (!above || !before(timer, above)) break;
    heap[child] = above;
    child = parent;
  }
  heap[child] = timer;
}

function pop(heap: Timer[]): Timer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || first === last) return first;
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    const left = heap[child];
    if (!left) break;
    const right = heap[child + 1];
    const smaller = right && before(right, left) ? right : left;
    if (smaller === right) child += 1;
    if (!before(smaller, last)) break;
    heap[parent] = smaller;
    parent = child;
  }
  heap[parent] = last;
  return first;
}
