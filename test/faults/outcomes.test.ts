import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { APIGatewayProxyEventV2, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { createHandler as createQueue } from '../../functions/queue.ts';
import { Clock } from '../../lib/clock.ts';
import { createJoinUsers } from '../../lib/join/join-users.ts';
import { createJoinBatch } from '../../lib/queue/batch.ts';
import { HalfSent } from '../../lib/queue/half-sent.ts';
import { Pacer } from '../../lib/queue/pacer.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import { createTransport } from '../../lib/rongcloud/transport.ts';
import { SeededRandom } from '../../tools/sim/seeded-random.ts';
import { silent } from '../../tools/sim/silent-telemetry.ts';
import { createHttpHandler, createInvokeHandler } from '../helpers/described-doors.ts';
import { type Script, type ScriptedServers, startScriptedServers } from '../helpers/scripted-servers.ts';

const SCRIPTS = 800;
const AT_ONCE = 50;
const clock = new Clock();
const APP = { appKey: 'key', appSecret: 's3cret' };
const INVOCATION = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 30_000 };

/** What a door said of users, and what it may say only of users whom no sending joined. */
interface Said {
  joined: readonly string[];
  notJoined: readonly string[];
}

/** Makes one request to a door for these users. */
type Ask = (userIds: readonly string[]) => Promise<Said>;

let servers: ScriptedServers;
beforeAll(async () => {
  servers = await startScriptedServers();
});
afterAll(() => servers.close());

function startClient() {
  const transport = createTransport({ clock });
  const client = new RongCloudClient({
    urls: servers.urls,
    transport,
    credentials: { get: () => APP, replace: async () => undefined },
    clock,
    random: Math.random,
    randomUUID,
    sleep: (ms, options) => (options ? wait(ms, undefined, options) : Promise.resolve()),
    answerTimeoutMs: 40,
  });
  return { client, close: () => transport.close() };
}

interface Failed {
  outcome: string;
  userIds: readonly string[];
}

const certain = (failed: readonly Failed[]) =>
  failed.filter(({ outcome }) => outcome !== 'unknown').flatMap(({ userIds }) => userIds);

function httpDoor(): { ask: Ask; close: () => void } {
  const { client, close } = startClient();
  const handler = createHttpHandler({
    authenticate: async () => ({ kind: 'service', claims: {} }),
    decide: () => ({ allowed: true }),
    sleep: async () => undefined,
    isRateLimited: () => false,
    joinUsers: createJoinUsers(client, wait),
    telemetry: silent,
    clock,
    random: Math.random,
  });
  const ask: Ask = async (userIds) => {
    const event = {
      requestContext: { http: { method: 'POST' } },
      headers: {},
      pathParameters: { groupId: 'g' },
      body: JSON.stringify({ userIds }),
      isBase64Encoded: false,
    } as unknown as APIGatewayProxyEventV2;
    const { joined = [], failed = [] } = JSON.parse((await handler(event, INVOCATION)).body ?? '');
    return { joined, notJoined: certain(failed) };
  };
  return { ask, close };
}

function invokeDoor(): { ask: Ask; close: () => void } {
  const { client, close } = startClient();
  const handler = createInvokeHandler({ joinUsers: createJoinUsers(client, wait), telemetry: silent, clock });
  const ask: Ask = async (userIds) => {
    try {
      const { joined } = await handler({ groupId: 'g', userIds }, INVOCATION);
      return { joined, notJoined: [] };
    } catch (error) {
      const { failed } = JSON.parse((error as Error).message) as {
        failed: { offset: number; count: number; outcome: string }[];
      };
      const named = failed.map(({ offset, count, outcome }) => ({
        outcome,
        userIds: userIds.slice(offset, offset + count),
      }));
      const unnamed = new Set(named.flatMap((one) => one.userIds));
      return { joined: userIds.filter((userId) => !unnamed.has(userId)), notJoined: certain(named) };
    }
  };
  return { ask, close };
}

/** A dead letter says that RongCloud refused its users, and a message that is gone that the others joined. */
function queueDoor(): { ask: Ask; close: () => void } {
  const { client, close } = startClient();
  const bodies: { letters: string[]; rests: string[] } = { letters: [], rests: [] };
  const sendTo = (list: string[]) => async (messages: readonly { body: string }[]) => {
    list.push(...messages.map(({ body }) => body));
    return { ends: messages.map(() => 'taken' as const) };
  };
  const handler = createQueue({
    clock,
    telemetry: silent,
    joinBatch: createJoinBatch({
      client,
      pacer: new Pacer({ ratePerSecond: 100, clock, sleep: async () => undefined }),
      sendDeadLetters: sendTo(bodies.letters),
      sendBack: sendTo(bodies.rests),
      halfSent: new HalfSent(clock),
      bringBackSoon: async () => undefined,
      random: Math.random,
    }),
  });
  const ask: Ask = async (userIds) => {
    const requestId = randomUUID();
    const record = {
      messageId: requestId,
      receiptHandle: 'receipt',
      body: JSON.stringify({ groupId: 'g', userIds, requestId }),
      attributes: { SentTimestamp: '1', ApproximateReceiveCount: '1' },
      messageAttributes: {},
    };
    const { batchItemFailures } = await handler({ Records: [record] } as unknown as SQSEvent, INVOCATION);
    const usersIn = (list: readonly string[]): string[] =>
      list.map((body) => JSON.parse(body)).flatMap((body) => (body.requestId === requestId ? body.userIds : []));
    const notJoined = usersIn(bodies.letters);
    const open = new Set([...notJoined, ...usersIn(bodies.rests)]);
    return { joined: batchItemFailures.length > 0 ? [] : userIds.filter((userId) => !open.has(userId)), notJoined };
  };
  return { ask, close };
}

/** Plays one script on a fresh environment: some calm requests, so that connections are kept, then several at once. */
async function lies(name: string, door: () => { ask: Ask; close: () => void }, seed: number): Promise<string[]> {
  const random = new SeededRandom(seed);
  const id = `${name} ${seed}`;
  const script: Script = { id, random, isCalm: true, joined: new Set(), knowsMembers: name === 'queue' };
  servers.play(script);
  const { ask, close } = door();
  let asked = 0;
  const request = async (): Promise<string[]> => {
    asked += 1;
    const ordinal = asked;
    const said = await ask(Array.from({ length: random.int(1, 4) }, (_, i) => `${id}-${ordinal}-${i}`));
    return [
      ...said.joined.filter((userId) => !script.joined.has(userId)).map((userId) => `${userId} did not join`),
      ...said.notJoined.filter((userId) => script.joined.has(userId)).map((userId) => `${userId} joined`),
    ];
  };
  const inParallel = (count: number) => Promise.all(Array.from({ length: count }, request));
  const found = [await inParallel(random.int(0, 3))];
  script.isCalm = false;
  for (let i = random.int(1, 2); i > 0; i--) found.push(await inParallel(random.int(1, 4)));
  close();
  return found.flat(2);
}

it.each([
  ['HTTP', httpDoor],
  ['Invoke', invokeDoor],
  ['queue', queueDoor],
])(
  'the %s door says of nobody whom a sending joined that RongCloud refused or that nothing was sent',
  async (name, door) => {
    const seeds = Array.from({ length: SCRIPTS }, (_, seed) => seed);
    const found: string[] = [];
    const worker = async (): Promise<void> => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift())
        found.push(...(await lies(name, door, seed)));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(found).toEqual([]);
  },
  120_000,
);
