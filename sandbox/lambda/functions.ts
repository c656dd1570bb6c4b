import type { SqsQueue } from '../aws/sqs/queue.ts';
import type { Target } from '../http/forward.ts';
import { startEventSource } from './event-source.ts';
import { invoke } from './invoke.ts';
import { type Offline, type OfflineOptions, STAGE, startOffline } from './offline.ts';

const DOORS = ['http', 'invoke', 'queue'];
const NOWHERE: Target = { url: '' };

/** The functions, in one process after the other. */
export class Functions {
  #options: OfflineOptions | undefined;
  #offline: Offline | undefined;
  #renewal: Promise<void> | undefined;
  /** Since when they keep the secret, the keys and what they know of RongCloud's domains. */
  startedAt = 0;

  async start(options: OfflineOptions): Promise<void> {
    this.#options = options;
    this.#offline = await startOffline(options);
    this.startedAt = Date.now();
  }

  get http(): Target {
    return this.#offline?.http ?? NOWHERE;
  }

  get invoke(): Target {
    return this.#offline?.invoke ?? NOWHERE;
  }

  /** The deployed name of a function: http, invoke or queue. */
  nameOf(door: string): string {
    return `rongcloud-group-join-${STAGE}-${door}`;
  }

  get names(): string[] {
    return DOORS.map(this.nameOf);
  }

  /** Starts the functions as they are built now, and ends the old ones, whatever they are doing. */
  renew(): Promise<void> {
    this.#renewal ??= this.#replace().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #replace(): Promise<void> {
    const old = this.#offline;
    if (this.#options) await this.start(this.#options);
    await old?.close();
  }

  async close(): Promise<void> {
    await this.#renewal?.catch(() => undefined);
    await this.#offline?.close();
  }
}

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

/** Whether a line that a function printed holds metrics, in CloudWatch's embedded metric format, and is no log line. */
export function isMetrics(line: string): boolean {
  // A log line begins with its level, and may hold the word where a group or a request is named like that.
  return line.startsWith('{"_aws":');
}
