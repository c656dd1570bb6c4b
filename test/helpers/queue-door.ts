import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createHandler } from '../../functions/queue.ts';
import { Credentials } from '../../lib/aws/secret.ts';
import { createBringBackSoon, createSend } from '../../lib/aws/sqs.ts';
import type { Clock } from '../../lib/clock.ts';
import { JoinError } from '../../lib/errors.ts';
import { createJoinBatch } from '../../lib/queue/batch.ts';
import { Pacer } from '../../lib/queue/pacer.ts';
import { SentLetters } from '../../lib/queue/sent-letters.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import { DeadConnection, type Transport } from '../../lib/rongcloud/transport.ts';
import type { Exchange } from './queue-model/im.ts';
import type { SqsInput, SqsOutput } from './queue-model/sqs-sender.ts';
import { silent } from './silent-telemetry.ts';

/** The queue door as Lambda sees it. */
export type Door = (
  event: SQSEvent,
  invocation: { awsRequestId: string; getRemainingTimeInMillis: () => number },
) => Promise<SQSBatchResponse>;

/** All that a queue door knows of the world. */
export interface DoorMeans {
  clock: Clock;
  sleep: (ms: number, options?: { signal?: AbortSignal }) => Promise<void>;
  timeout: (ms: number) => AbortSignal;
  random: () => number;
  ratePerSecond: number;
  /** Sends a form to RongCloud. */
  exchange: (call: { form: string; headers: Record<string, string>; timeoutMs: number }) => Promise<Exchange>;
  readSecret: () => Promise<string>;
  /** Sends to `QUEUE_URL` or `DEAD_LETTER_QUEUE_URL`. */
  sendToSqs: (input: SqsInput, abortSignal?: AbortSignal) => Promise<SqsOutput>;
}

export type CreateDoor = (means: DoorMeans) => Promise<Door>;

export const QUEUE_URL = 'https://sqs.invalid/joins';
export const DEAD_LETTER_QUEUE_URL = 'https://sqs.invalid/joins-dead';
/** As `serverless.yml` has it. */
export const MAX_RECEIVE_COUNT = 240;

/** The door that is shipped, over a model of the world. */
export const createQueueDoor: CreateDoor = async (means) => {
  const { clock, sleep, timeout, random, ratePerSecond } = means;
  const client = new RongCloudClient({
    urls: ['https://im.invalid', 'https://im-b.invalid'],
    transport: toTransport(means),
    credentials: new Credentials({ read: means.readSecret, clock, sleep }),
    clock,
    random,
    sleep,
    randomUUID: () => Buffer.from(Array.from({ length: 9 }, () => random() * 256)).toString('hex'),
  });
  const sqs = {
    send: (command: { input: SqsInput }, { abortSignal }: { abortSignal?: AbortSignal } = {}) =>
      means.sendToSqs(command.input, abortSignal),
  } as unknown as SQSClient;
  const joinBatch = createJoinBatch({
    client,
    pacer: new Pacer({ ratePerSecond, clock, sleep }),
    sentLetters: new SentLetters(clock),
    sendDeadLetters: createSend(sqs, DEAD_LETTER_QUEUE_URL, timeout),
    sendBack: createSend(sqs, QUEUE_URL, timeout),
    bringBackSoon: createBringBackSoon(sqs, QUEUE_URL, { random, timeout }),
    random,
  });
  return createHandler({ joinBatch, telemetry: silent, clock });
};

function toTransport({ exchange }: DoorMeans): Transport {
  return {
    async post({ headers, body, timeoutMs }) {
      const end = await exchange({ form: body, headers, timeoutMs });
      if (end === 'timeout') return new JoinError('UPSTREAM_TIMEOUT');
      if (end === 'broken') return new JoinError('UPSTREAM_UNAVAILABLE');
      if (end === 'unreachable') return new JoinError('UPSTREAM_UNREACHABLE');
      if (end === 'dead') return new DeadConnection(new Error('the connection was closed'));
      return end;
    },
    close: () => undefined,
  };
}
