import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SQSEvent } from 'aws-lambda';
import { expect, it } from 'vitest';
import { createHandler } from '../../functions/queue.ts';
import type { Send } from '../../lib/aws/sqs.ts';
import { Clock } from '../../lib/clock.ts';
import { createJoinBatch } from '../../lib/queue/batch.ts';
import { HalfSent } from '../../lib/queue/half-sent.ts';
import { Pacer } from '../../lib/queue/pacer.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import { createTransport } from '../../lib/rongcloud/transport.ts';
import { SqsQueue } from '../../sandbox/aws/sqs/queue.ts';
import { startEventSource } from '../../sandbox/lambda/event-source.ts';
import { ImApp } from '../../sandbox/rongcloud/app.ts';
import { startImService } from '../../sandbox/rongcloud/service.ts';
import { silent } from '../../tools/sim/silent-telemetry.ts';

const clock = new Clock();

/** Takes all. Attributes stay behind: this queue gives none to its readers. */
const sendTo =
  (queue: SqsQueue): Send =>
  async (messages) => {
    for (const { body } of messages) queue.send(body);
    return { ends: messages.map(() => 'taken' as const) };
  };

it('loses nobody when calls fail and hang and the consumer is killed before it can answer', async () => {
  const credentials = { appKey: 'key', appSecret: 's3cret' };
  const app = new ImApp(credentials);
  const im = await startImService(app);
  const dead = new SqsQueue({ name: 'dead', visibilityTimeoutMs: 60_000 });
  const queue = new SqsQueue({
    name: 'joins',
    visibilityTimeoutMs: 2000,
    redrive: { deadLetterQueue: dead, maxReceiveCount: 20 },
  });
  let faulty = true;
  let batches = 0;
  let killed = 0;
  // One environment for each of the two batches in flight, each with a rate of its own.
  const environments = [0, 1].map(() => {
    const transport = createTransport({ clock });
    const handler = createHandler({
      clock,
      telemetry: silent,
      joinBatch: createJoinBatch({
        client: new RongCloudClient({
          urls: [im.url],
          transport,
          credentials: { get: async () => credentials, replace: async () => undefined },
          clock,
          random: Math.random,
          randomUUID,
          sleep,
          answerTimeoutMs: 150,
        }),
        pacer: new Pacer({ ratePerSecond: 24, clock, sleep }),
        sendDeadLetters: sendTo(dead),
        sendBack: sendTo(queue),
        halfSent: new HalfSent(clock),
        bringBackSoon: async () => {},
        random: Math.random,
      }),
    });
    return { handler, transport, busy: false };
  });
  const spoil = setInterval(() => {
    const chance = Math.random();
    const carryOut = Math.random() < 0.5;
    if (!faulty || chance > 0.25) im.fault.set(undefined);
    else if (chance < 0.05) im.fault.set({ kind: 'hang', carryOut });
    else im.fault.set({ kind: 'status', status: 500, carryOut, ...(chance < 0.15 && { body: '{"code":1000}' }) });
  }, 5);

  const MESSAGES = 5000;
  const sent = Array.from({ length: MESSAGES }, (_, i) => ({
    groupId: `group-${i % 10}`,
    userIds: [`user-${i}`, `friend-${i}`],
  }));
  for (const message of sent) queue.send(JSON.stringify(message));
  queue.send('malformed');
  /** Who has not joined, group by group. */
  const missing = () => {
    const groups = new Map(sent.slice(0, 10).map(({ groupId }) => [groupId, new Set(app.groups.members(groupId))]));
    return sent.flatMap(({ groupId, userIds }) =>
      userIds.filter((userId) => !groups.get(groupId)?.has(userId)).map((userId) => `${groupId} ${userId}`),
    );
  };

  const source = startEventSource({
    queue,
    batchSize: 1000,
    windowMs: 20,
    maximumConcurrency: 2,
    async invoke(event: SQSEvent) {
      const environment = environments.find(({ busy }) => !busy);
      if (!environment) throw new Error('more than two batches in flight');
      environment.busy = true;
      const invocation = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 60_000 };
      const answer = await environment.handler(event, invocation).finally(() => {
        environment.busy = false;
      });
      batches += 1;
      if (faulty && batches % 2 === 0) {
        killed += 1;
        throw new Error('killed between the IM service and its own answer');
      }
      return answer;
    },
  });
  await expect.poll(() => killed, { timeout: 60_000 }).toBeGreaterThan(2);
  // Whatever has happened so far, who has not joined is still queued or dead.
  const waiting = [...queue.bodies(), ...dead.bodies()].filter((body) => body !== 'malformed');
  const accounted = new Set(
    waiting.flatMap((body) => {
      const { groupId, userIds }: { groupId: string; userIds: string[] } = JSON.parse(body);
      return userIds.map((userId) => `${groupId} ${userId}`);
    }),
  );
  expect(missing().filter((user) => !accounted.has(user))).toEqual([]);
  faulty = false;
  await expect.poll(() => queue.bodies().length, { timeout: 40_000, interval: 100 }).toBe(0);
  expect(missing()).toEqual([]);
  // Dead letters go before the batch is answered, so a consumer that is killed may send one again.
  expect(new Set(dead.bodies())).toEqual(new Set(['malformed']));
  clearInterval(spoil);
  await source.close();
  for (const { transport } of environments) transport.close();
  await im.close();
}, 120_000);
