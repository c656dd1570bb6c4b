import type { QueueWorld } from '../queue-world.ts';
import type { Breach } from './breach.ts';

/** Lambda's limit, less a second. */
const LATEST_END_MS = 59_000;

/** Checks how fast calls start, and when batches end. */
export function* paceBreaches({ rongCloud, lambda, ratePerSecond }: QueueWorld): Generator<Breach> {
  for (const [environment, sendings] of Map.groupBy(rongCloud.calls, (sending) => sending.environment)) {
    const most = mostInOneSecond(sendings.map(({ at }) => at));
    const detail = `${most} in a second by environment ${environment}`;
    if (most > ratePerSecond + 1) yield { promise: 'starts keep the rate', detail };
  }
  for (const { id, startedAt, endedAt, end } of lambda.invocations) {
    const tookMs = Math.round(endedAt - startedAt);
    const isLate = end === 'failed' || (end !== 'crashed' && tookMs > LATEST_END_MS);
    if (isLate) yield { promise: 'the batch ends in time', detail: `batch ${id} ${end} after ${tookMs} ms` };
  }
}

/** The largest number of moments in any one second. They come in their order. */
export function mostInOneSecond(moments: readonly number[]): number {
  let first = 0;
  let most = 0;
  for (const [i, at] of moments.entries()) {
    while (at - (moments[first] ?? at) >= 1000) first += 1;
    most = Math.max(most, i + 1 - first);
  }
  return most;
}
