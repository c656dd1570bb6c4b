import { expect, it } from 'vitest';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import { RongCloud } from '../../tools/sim/rongcloud.ts';
import { SeededRandom } from '../../tools/sim/seeded-random.ts';
import { createSimulatedTime, type SimulatedTime } from '../../tools/sim/simulated-time.ts';
import { errorOf } from '../helpers/client-bed.ts';

const APP = { appKey: 'key', appSecret: 's3cret' };
const SECOND_MS = 1000;
/** RongCloud's own threshold: what takes longer is no answer. */
const SLOWEST_MS = 4900;

/** A RongCloud that fails in all its ways up to a moment, and answers rightly from then on, however slowly. */
function slowRongCloud(time: SimulatedTime, random: SeededRandom, rightFrom: number): RongCloud {
  const slowMs = random.int(10, SLOWEST_MS);
  const isRight = () => time.now() >= rightFrom;
  const until = { from: 0, until: rightFrom };
  const right = ['{"code":200}', '{"code":405}', '{"code":1002}'];
  return new RongCloud({
    time,
    random,
    acceptedSecret: () => APP.appSecret,
    userFaults: new Map(),
    nameFaults: new Map(),
    callsPerSecond: Number.POSITIVE_INFINITY,
    travelMs: () => 0,
    answerMs: () => (isRight() ? random.int(slowMs / 2, slowMs) : random.int(10, 6000)),
    trouble: [
      { kind: 'unreachable', ...until, share: 1 / 4 },
      { kind: 'hang', ...until, share: 1 / 3 },
      { kind: 'error', ...until, share: 1 / 2 },
    ],
    script: () => (isRight() ? { status: 200, body: random.pick(right), complete: true } : undefined),
    freshness: false,
  });
}

/** Calls of one environment that failed although RongCloud had been right for 15 seconds. */
async function failedLate(seed: number): Promise<string[]> {
  const random = new SeededRandom(seed);
  const time = createSimulatedTime(0);
  const rightFrom = random.int(0, 60) * SECOND_MS;
  const client = new RongCloudClient({
    urls: random.chance(0.8) ? ['https://a.invalid', 'https://b.invalid'] : ['https://a.invalid'],
    transport: slowRongCloud(time, random, rightFrom).transport(() => {
      return { door: 'http', environment: 1, invocation: 1, sleep: time.sleep };
    }),
    credentials: { get: () => APP, replace: async () => undefined },
    clock: time.clock,
    random: () => random.next(),
    randomUUID: () => '0'.repeat(32),
    sleep: time.sleep,
  });
  const failed: string[] = [];
  const spreadMs = random.pick([200, 1000, 7000, 9500, 20_000]);
  const calls: Promise<void>[] = [];
  const join = async (startedAt: number): Promise<void> => {
    const log = { sent: () => {}, waitedForSecret: () => {} };
    const error = errorOf(
      await client.callWithRetries('userId=u', { requestId: 'r', deadline: startedAt + 8000, log }),
    );
    if (error?.blames === 'domain' && startedAt >= rightFrom + 15 * SECOND_MS) {
      failed.push(`seed ${seed}: ${error.code} ${(startedAt - rightFrom) / SECOND_MS} s later`);
    }
  };
  await time.run(
    (async () => {
      while (time.now() < rightFrom + 90 * SECOND_MS) {
        const call = join(time.now());
        // Like Lambda one after another, or like the queue's many at once.
        if (seed % 2) await call;
        else calls.push(call);
        if (random.chance(0.2)) time.setWall(random.pick([-2, 2, -120, 120, -3600, 3600]) * SECOND_MS);
        await time.sleep(random.int(1, spreadMs));
      }
      await Promise.all(calls);
    })(),
  );
  return failed;
}

it('is over 15 seconds after RongCloud answers rightly again, however slowly and whatever was before', async () => {
  const failed: string[] = [];
  for (let seed = 0; seed < 2000; seed++) failed.push(...(await failedLate(seed)));
  expect(failed).toEqual([]);
}, 180_000);
