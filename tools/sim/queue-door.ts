import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createHandler } from '../../functions/queue.ts';
import { Credentials } from '../../lib/aws/app-credentials.ts';
import { createBringBackSoon, createSend } from '../../lib/aws/sqs.ts';
import type { Clock } from '../../lib/clock.ts';
import { type BatchDeps, createJoinBatch } from '../../lib/queue/batch.ts';
import { HalfSent } from '../../lib/queue/half-sent.ts';
import { Pacer } from '../../lib/queue/pacer.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import type { Transport } from '../../lib/rongcloud/transport.ts';
import type { Door } from './lambda.ts';
import { silent } from './silent-telemetry.ts';

/** All that a queue door knows of the world. */
export interface DoorMeans {
  clock: Clock;
  sleep: (ms: number, options?: { signal?: AbortSignal }) => Promise<void>;
  timeout: (ms: number) => AbortSignal;
  random: () => number;
  ratePerSecond: number;
  transport: Transport;
  readSecret: () => Promise<string>;
  /** Reaches `QUEUE_URL` and `DEAD_LETTER_QUEUE_URL`. */
  sqs: SQSClient;
}

export type QueueDoor = Door<SQSEvent, SQSBatchResponse>;
export type CreateDoor = (means: DoorMeans) => QueueDoor;

export const QUEUE_URL = 'https://sqs.invalid/joins';
export const DEAD_LETTER_QUEUE_URL = 'https://sqs.invalid/joins-dead';

/** The door that is shipped, wired as its entry file does. */
export const createQueueDoor: CreateDoor = (means) => {
  const { clock, sleep, timeout, random, ratePerSecond, transport, sqs } = means;
  const client = new RongCloudClient({
    urls: ['https://im.invalid', 'https://im-b.invalid'],
    credentials: new Credentials({ read: means.readSecret, clock, sleep }),
    // As long as a nonce.
    randomUUID: () =>
      Math.floor(random() * 2 ** 52)
        .toString(16)
        .padStart(18, '0'),
    ...{ transport, clock, random, sleep },
  });
  return wireQueueDoor({
    sendDeadLetters: createSend(sqs, DEAD_LETTER_QUEUE_URL, timeout),
    sendBack: createSend(sqs, QUEUE_URL, timeout),
    bringBackSoon: createBringBackSoon(sqs, QUEUE_URL, { random, timeout }),
    ...{ client, clock, sleep, random, ratePerSecond },
  });
};

/** What differs between environments of the queue function. */
export interface Wiring extends Omit<BatchDeps, 'pacer' | 'halfSent'> {
  clock: Clock;
  sleep: (ms: number, options?: { signal?: AbortSignal }) => Promise<void>;
  ratePerSecond: number;
}

/** Starts a queue door without telemetry. */
export function wireQueueDoor({ clock, sleep, ratePerSecond, ...deps }: Wiring): QueueDoor {
  const pacer = new Pacer({ ratePerSecond, clock, sleep });
  const joinBatch = createJoinBatch({ ...deps, pacer, halfSent: new HalfSent(clock) });
  return createHandler({ joinBatch, telemetry: silent, clock });
}
