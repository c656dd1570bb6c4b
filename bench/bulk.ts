import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Send } from '../lib/aws/sqs.ts';
import { Clock } from '../lib/clock.ts';
import { RongCloudClient } from '../lib/rongcloud/client.ts';
import { createTransport } from '../lib/rongcloud/transport.ts';
import { wireQueueDoor } from '../tools/sim/queue-door.ts';
import { APP, type ImCounts } from './im-process.ts';

const clock = new Clock();

// Joins a second through the queue door, as deployed: two environments of 24 calls a second. Beside it, joining users
// one by one through the vendor's Node SDK against the same stand-in, which takes 100 calls a second.

const USERS_PER_MESSAGE = [1, 10, 100, 1000];
const GROUPS = [1, 10, 1000];
const SDK_MS = 5000;
const SDK_CONCURRENCY = 20;

const im = fork(fileURLToPath(new URL('./im-process.ts', import.meta.url)));
const [url]: string[] = await once(im, 'message');
if (url === undefined) throw new Error('the stand-in did not start');

async function counts(): Promise<ImCounts> {
  im.send('counts');
  const [answer]: ImCounts[] = await once(im, 'message');
  return answer ?? { calls: 0, users: 0, refused: 0 };
}

interface Row extends ImCounts {
  name: string;
  seconds: number;
}

async function measure(name: string, run: () => Promise<unknown>): Promise<Row> {
  // A whole second of silence, so that no row pays for the calls of another.
  await sleep(1100);
  await counts();
  const startedAt = performance.now();
  await run();
  const seconds = (performance.now() - startedAt) / 1000;
  return { name, seconds, ...(await counts()) };
}

/** Nothing is refused here, so nothing is sent. */
const takeAll: Send = async (messages) => ({ ends: messages.map(() => 'taken' as const) });

function environment() {
  const common = {
    clock,
    random: Math.random,
    sleep: (ms: number, options?: { signal?: AbortSignal }) => sleep(ms, undefined, options),
  };
  const handler = wireQueueDoor({
    ...common,
    client: new RongCloudClient({
      ...common,
      urls: [url ?? ''],
      transport: createTransport({ clock }),
      credentials: { get: async () => APP, replace: async () => undefined },
      randomUUID,
    }),
    ratePerSecond: 24,
    sendDeadLetters: takeAll,
    sendBack: takeAll,
    bringBackSoon: async () => {},
  });
  return (bodies: readonly string[]) =>
    handler(
      {
        Records: bodies.map((body, i) => ({
          messageId: `m${i}`,
          receiptHandle: '',
          body,
          attributes: {
            SentTimestamp: '0',
            ApproximateReceiveCount: '1',
            SenderId: '',
            ApproximateFirstReceiveTimestamp: '0',
          },
          messageAttributes: {},
          md5OfBody: '',
          eventSource: 'aws:sqs',
          eventSourceARN: '',
          awsRegion: '',
        })),
      },
      { awsRequestId: 'bench', getRemainingTimeInMillis: () => 60_000 },
    );
}

/** As many messages as fill some batches: 1000 messages each, or what fits into Lambda's 6 MB. */
function batches(usersPerMessage: number, groups: number): string[][] {
  const perBatch = Math.min(1000, Math.floor(250_000 / usersPerMessage));
  const count = groups === 1000 ? 2 : 8;
  const size = groups === 1000 ? Math.min(perBatch, 500) : perBatch;
  let user = 0;
  return Array.from({ length: count }, (_, batch) =>
    Array.from({ length: size }, (_, i) =>
      JSON.stringify({
        groupId: `group-${(batch * size + i) % groups}`,
        userIds: Array.from({ length: usersPerMessage }, () => `user-${user++}`),
      }),
    ),
  );
}

async function throughTheQueue(all: string[][]): Promise<void> {
  const waiting = [...all];
  const environments = [environment(), environment()];
  await Promise.all(
    environments.map(async (deliver) => {
      for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
        const { batchItemFailures } = await deliver(batch);
        if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} messages went back`);
      }
    }),
  );
}

interface VendorSdk {
  Group: { join(group: { id: string; name: string; member: { id: string } }): Promise<unknown> };
}

async function oneByOneThroughTheSdk(): Promise<void> {
  const load = createRequire(import.meta.url);
  const { Group }: VendorSdk = load('rongcloud-sdk')({ appkey: APP.appKey, secret: APP.appSecret, api: url });
  const until = performance.now() + SDK_MS;
  let user = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      user += 1;
      // Whether it reports a refusal as a rejection or as a value, the user has not joined.
      await Group.join({ id: 'sdk', name: 'sdk', member: { id: `sdk-${user}` } }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: SDK_CONCURRENCY }, worker));
}

const sdk = await measure('one by one, rongcloud-sdk', oneByOneThroughTheSdk);
const rows = [sdk];
for (const groups of GROUPS) {
  for (const users of USERS_PER_MESSAGE) {
    const all = batches(users, groups);
    const name = `${users} users a message, ${groups} groups`;
    rows.push(await measure(name, () => throughTheQueue(all)));
  }
}
im.disconnect();

const perSecond = (count: number, { seconds }: Row) => Math.round(count / seconds);
console.log('| | joins/s | × SDK | calls/s | users/call | refusals |\n|---|--:|--:|--:|--:|--:|');
for (const row of rows) {
  const joins = perSecond(row.users, row);
  const ratio = (joins / perSecond(sdk.users, sdk)).toFixed(joins < 1000 ? 1 : 0);
  const usersPerCall = (row.users / Math.max(1, row.calls - row.refused)).toFixed(0);
  console.log(
    `| ${row.name} | ${joins} | ${ratio} | ${perSecond(row.calls, row)} | ${usersPerCall} | ${row.refused} |`,
  );
}
