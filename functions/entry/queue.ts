import { createBringBackSoon, createSend, createSqsClient } from '../../lib/aws/sqs.ts';
import { type EventsConfig, readQueueConfig } from '../../lib/config.ts';
import { createJoinBatch } from '../../lib/queue/batch.ts';
import type { Announce } from '../../lib/queue/events.ts';
import { HalfSent } from '../../lib/queue/half-sent.ts';
import { Pacer } from '../../lib/queue/pacer.ts';
import { DoorTelemetry } from '../../lib/telemetry/telemetry.ts';
import { createHandler } from '../queue.ts';
import { clock, sleep, startClient } from './client.ts';

/** Starts the queue door: gives its handler once what the first batch needs has been fetched. */
export async function start() {
  const config = readQueueConfig(process.env);
  const telemetry = new DoorTelemetry('queue');
  const client = await startClient(config, telemetry);
  const sqs = createSqsClient();
  const joinBatch = createJoinBatch({
    client,
    pacer: new Pacer({ ratePerSecond: config.upstreamRate, clock, sleep }),
    sendDeadLetters: createSend(sqs, config.deadLetterQueueUrl),
    sendBack: createSend(sqs, config.joinQueueUrl),
    halfSent: new HalfSent(clock),
    bringBackSoon: createBringBackSoon(sqs, config.joinQueueUrl, { random: Math.random }),
    announce: config.events && (await loadAnnounce(config.events)),
    random: Math.random,
  });
  return createHandler({ joinBatch, telemetry, clock });
}

/** The EventBridge client is loaded only where a bus is named. */
async function loadAnnounce(events: EventsConfig): Promise<Announce> {
  const [{ createEventBridgeClient }, { createAnnounce }] = await Promise.all([
    import('../../lib/aws/event-bus.ts'),
    import('../../lib/queue/events.ts'),
  ]);
  return createAnnounce({ client: createEventBridgeClient(), ...events });
}
