import type { SqsQueue } from '../aws/sqs/queue.ts';
import { startEventSource } from './event-source.ts';
import type { Functions } from './functions.ts';
import { invoke } from './invoke.ts';

export interface QueueDoorOptions {
  queue: SqsQueue;
  functions: Functions;
  /** Told of a batch that the door has not settled. */
  onTrouble: (line: string) => void;
  isEnabled: () => boolean;
}

/** Hands the queue's messages to the queue door, as serverless.yml says: its two batches at a time included. */
export function startQueueDoor({ queue, functions, onTrouble, isEnabled }: QueueDoorOptions) {
  const name = functions.nameOf('queue');
  return startEventSource({
    queue,
    async invoke(event) {
      try {
        const { payload, failed, reason } = await invoke(functions.invoke, name, Buffer.from(JSON.stringify(event)));
        if (failed) throw new Error(reason);
        return JSON.parse(payload);
      } catch (error) {
        onTrouble(`The queue door has not settled a batch. Its messages come back: ${error}`);
        throw error;
      }
    },
    batchSize: 1000,
    windowMs: 1000,
    maximumConcurrency: 2,
    isEnabled,
  });
}
