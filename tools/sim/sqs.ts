import type { SQSClient } from '@aws-sdk/client-sqs';
import { sqsOperations } from '../../sandbox/aws/sqs/operations.ts';
import type { Queue } from './queue.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedTime } from './simulated-time.ts';
import { type Trouble, troubleAt } from './trouble.ts';

/** What may go wrong with a request to SQS: `late` takes the messages and never answers, `part` refuses half of them. */
export type SqsTrouble = 'stall' | 'late' | 'error' | 'part';

/** Trouble of one queue, or of all. */
export interface QueueTrouble extends Trouble<SqsTrouble> {
  queueUrl?: string;
}

export interface SqsOptions {
  time: SimulatedTime;
  random: SeededRandom;
  queues: readonly Queue[];
  trouble?: readonly QueueTrouble[];
  latencyMs?: readonly [min: number, max: number];
}

/** The code that asks: its time, which may end, and its invocation. */
export interface SqsCaller {
  sleep: (ms: number) => Promise<void>;
  invocation: () => number;
}

type Input = Record<string, unknown> & { QueueUrl?: string; Entries?: readonly Record<string, unknown>[] };
type Output = Record<string, unknown> & { Successful?: object[]; Failed?: object[] };
type Command = { input: Input; constructor: { name: string } };

/** SQS behind the SDK's client: the stand-in's operations, and what may go wrong with a request. */
export class Sqs {
  readonly #options: SqsOptions;
  readonly #operations: ReturnType<typeof sqsOperations>;
  /** The invocation whose request is carried out at this moment. */
  #sender: number | undefined;

  constructor(options: SqsOptions) {
    this.#options = options;
    this.#operations = sqsOperations(options.queues);
  }

  /** The invocation that sends the message which arrives at this moment; undefined for a client of the service. */
  get sender(): number | undefined {
    return this.#sender;
  }

  /** A client for one environment. */
  client(caller: SqsCaller): SQSClient {
    const send = (command: Command, { abortSignal }: { abortSignal?: AbortSignal } = {}) =>
      this.#send(command, caller, abortSignal);
    return { send } as unknown as SQSClient;
  }

  async #send(command: Command, { sleep, invocation }: SqsCaller, abortSignal?: AbortSignal): Promise<Output> {
    const { time, random, trouble = [], latencyMs = [5, 30] } = this.#options;
    const { input } = command;
    abortSignal?.throwIfAborted();
    const ours = trouble.filter(({ queueUrl = input.QueueUrl }) => queueUrl === input.QueueUrl);
    const kind = troubleAt(ours, time.now(), random);
    await sleep(random.int(...latencyMs));
    abortSignal?.throwIfAborted();
    if (kind === 'stall') await aborted(abortSignal);
    if (kind === 'error') throw new Error('SQS: ServiceUnavailable');
    const refused = (input.Entries ?? []).filter(() => kind === 'part' && random.chance(0.5));
    if (kind === 'part' && !input.Entries && random.chance(0.5)) throw new Error('SQS: InternalError');
    const output = await this.#carryOut(command, refused, invocation());
    if (kind === 'late') await aborted(abortSignal);
    return output;
  }

  /** Carries out a request but for the entries that are refused. */
  async #carryOut(command: Command, refused: readonly object[], sender: number): Promise<Output> {
    const { input } = command;
    const entries = input.Entries?.filter((entry) => !refused.includes(entry));
    const failed = refused.map((entry) => ({ ...entry, Code: 'InternalError', SenderFault: false }));
    if (entries?.length === 0) return { Successful: [], Failed: failed };
    const name = command.constructor.name.replace(/Command$/, '');
    const operation = this.#operations[`AmazonSQS.${name}`];
    if (!operation) throw new Error(`SQS: ${name}`);
    this.#sender = sender;
    const answered = operation({ ...input, ...(entries && { Entries: entries }) }, undefined, {
      origin: '',
      gone: AbortSignal.abort(),
    });
    this.#sender = undefined;
    const result = await answered;
    // As the hardened client describes a clear no.
    if ('error' in result) throw Object.assign(new Error(`SQS: ${result.error}`), { status: 400, attempts: 1 });
    const output: Output = result.output;
    return { ...output, ...(entries && { Failed: [...(output.Failed ?? []), ...failed] }) };
  }
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
