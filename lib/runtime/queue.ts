import { setTimeout as sleep } from 'node:timers/promises';
import { readQueueConfig } from '../config.ts';
import { createDeadLetterQueue } from '../queue/dead-letter-queue.ts';
import { createJoinBatch, type JoinBatch } from '../queue/join-batch.ts';
import { createPacer } from '../queue/pacer.ts';
import { createSqsClient } from '../queue/sqs.ts';
import { createTelemetry, type Telemetry } from '../telemetry.ts';
import { startClient } from './client.ts';

/** What the queue door runs on. */
export interface QueueRuntime {
  joinBatch: JoinBatch;
  telemetry: Telemetry;
  now: () => number;
}

/** Reads the environment and starts the queue door: one attempt a call, since SQS is its retry. Throws a ConfigError. */
export async function startQueue(): Promise<QueueRuntime> {
  const config = readQueueConfig(process.env);
  const telemetry = createTelemetry('queue');
  const client = await startClient(config, telemetry, { maxAttempts: 1 });
  const joinBatch = createJoinBatch({
    client,
    pacer: createPacer({ ratePerSecond: config.upstreamRate, now: Date.now, sleep }),
    deadLetters: createDeadLetterQueue(createSqsClient(), config.deadLetterQueueUrl),
  });
  return { joinBatch, telemetry, now: Date.now };
}
