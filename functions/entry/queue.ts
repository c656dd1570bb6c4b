import { readQueueConfig } from '../../lib/config.ts';
import { createJoinBatch } from '../../lib/queue/batch.ts';
import { createDeadLetterQueue } from '../../lib/queue/dead-letters.ts';
import { createPacer } from '../../lib/queue/pacer.ts';
import { createSqsClient } from '../../lib/queue/sqs-client.ts';
import { createTelemetry } from '../../lib/telemetry/telemetry.ts';
import { createHandler } from '../queue.ts';
import { sleep, startClient } from './client.ts';

const config = readQueueConfig(process.env);
const telemetry = createTelemetry('queue');
// One attempt a call, since SQS is this door's retry.
const client = await startClient(config, telemetry, { maxAttempts: 1 });
const joinBatch = createJoinBatch({
  client,
  pacer: createPacer({ ratePerSecond: config.upstreamRate, now: Date.now, sleep }),
  deadLetters: createDeadLetterQueue(createSqsClient(), config.deadLetterQueueUrl),
});

export const handler = createHandler({ joinBatch, telemetry, now: Date.now });
