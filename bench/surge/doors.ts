import { createHandler as createHttpHandler } from '../../functions/http.ts';
import type { Send } from '../../lib/aws/sqs.ts';
import { createJoinUsers } from '../../lib/join/join-users.ts';
import { messageBody } from '../../lib/queue/message.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import type { SqsQueue } from '../../sandbox/aws/sqs/queue.ts';
import type { Door, Environment } from '../../tools/sim/lambda.ts';
import { type QueueDoor, wireQueueDoor } from '../../tools/sim/queue-door.ts';
import type { RongCloud } from '../../tools/sim/rongcloud.ts';
import { APP_KEY } from '../../tools/sim/secret.ts';
import type { SeededRandom } from '../../tools/sim/seeded-random.ts';
import { silent } from '../../tools/sim/silent-telemetry.ts';
import type { SimulatedTime } from '../../tools/sim/simulated-time.ts';

// The doors as their entry files wire them, with simulated time and stand-ins in place of sockets: all of the code
// under measurement is imported here.

export interface Surroundings {
  time: SimulatedTime;
  random: SeededRandom;
  rongCloud: RongCloud;
  joinQueue: SqsQueue;
  deadLetterQueue: SqsQueue;
}

/** A user who asks to join a group. */
export interface Ask {
  userId: string;
  groupId: string;
  prefer: string | undefined;
}

export const APP = { appKey: APP_KEY, appSecret: 'surge-secret' };
const SEND_MESSAGE_MS = 15;
const QUEUE_RATE = 24;

function client({ time, random, rongCloud }: Surroundings, door: string, environment: Environment) {
  return new RongCloudClient({
    urls: ['https://primary.example', 'https://backup.example'],
    transport: rongCloud.transport(() => {
      return { door, environment: environment.id, invocation: environment.invocation, sleep: environment.sleep };
    }),
    credentials: { get: async () => APP, replace: async () => undefined },
    clock: time.clock,
    random: () => random.next(),
    randomUUID: () => Buffer.from(Array.from({ length: 9 }, () => random.next() * 256)).toString('hex'),
    sleep: time.sleep,
  });
}

/** Starts an environment of the HTTP function. Its door gives the status of the answer. */
export function startHttpDoor(surroundings: Surroundings, environment: Environment): Door<Ask, number> {
  const { time, random, joinQueue } = surroundings;
  const rongCloud = client(surroundings, 'http', environment);
  const handler = createHttpHandler({
    // Tokens cost no time that matters here: the Authorization header holds the user id itself.
    authenticate: async (userId = '') => ({ kind: 'user', userId, groupPatterns: [], claims: {} }),
    decide: () => ({ allowed: true }),
    sleep: time.sleep,
    joinUsers: createJoinUsers(rongCloud, time.sleep),
    isRateLimited: () => rongCloud.isRateLimited,
    enqueue: async (request, requestId) => {
      await time.sleep(SEND_MESSAGE_MS);
      joinQueue.send(messageBody(request, requestId));
      return undefined;
    },
    telemetry: silent,
    clock: time.clock,
    random: () => random.next(),
  });
  return async ({ userId, groupId, prefer }, context) => {
    const headers = { authorization: userId, ...(prefer !== undefined && { prefer }) };
    const event = { requestContext: { http: {} }, headers, pathParameters: { groupId } };
    const answer = await handler(event, context);
    return answer.statusCode ?? 200;
  };
}

/** Starts an environment of the queue function. */
export function startQueueDoor(surroundings: Surroundings, environment: Environment): QueueDoor {
  const { time, random, joinQueue, deadLetterQueue } = surroundings;
  const sendTo =
    (queue: SqsQueue): Send =>
    async (messages) => {
      if (messages.length > 0) await time.sleep(SEND_MESSAGE_MS);
      for (const { body } of messages) queue.send(body);
      return { ends: messages.map(() => 'taken' as const) };
    };
  return wireQueueDoor({
    client: client(surroundings, 'queue', environment),
    clock: time.clock,
    sleep: time.sleep,
    ratePerSecond: QUEUE_RATE,
    sendDeadLetters: sendTo(deadLetterQueue),
    sendBack: sendTo(joinQueue),
    async bringBackSoon(messages) {
      await time.sleep(SEND_MESSAGE_MS);
      for (const { receiptHandle, receiveCount } of messages) {
        if (receiveCount <= 5) joinQueue.changeVisibility(receiptHandle, 10_000 + random.next() * 50_000);
      }
    },
    random: () => random.next(),
  });
}
