import type { OutgoingMessage, Send } from '../../lib/aws/sqs.ts';
import { JoinError, type JoinErrorCode } from '../../lib/errors.ts';
import { type BatchReport, createJoinBatch } from '../../lib/queue/batch.ts';
import { HalfSent } from '../../lib/queue/half-sent.ts';
import type { QueueMessage } from '../../lib/queue/message.ts';
import { Pacer } from '../../lib/queue/pacer.ts';
import type { Sending } from '../../lib/rongcloud/attempts.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import type { CredentialSource } from '../../lib/rongcloud/signature.ts';
import { BatchLine } from '../../lib/telemetry/batch-line.ts';
import type { CallFields } from '../../lib/telemetry/fields.ts';
import type { Telemetry } from '../../lib/telemetry/telemetry.ts';
import { type Call, RongCloud } from '../../tools/sim/rongcloud.ts';
import { APP_KEY } from '../../tools/sim/secret.ts';
import { SeededRandom } from '../../tools/sim/seeded-random.ts';
import { silent } from '../../tools/sim/silent-telemetry.ts';
import { createSimulatedTime, type SimulatedTime } from '../../tools/sim/simulated-time.ts';

/** The App Secret that RongCloud accepts. */
export const APP_SECRET = 's3cret';

export interface WorldOptions {
  /** How a call ends; undefined if everyone joins. The first call is number 1. */
  judge?: (call: Call, ordinal: number) => JoinErrorCode | JoinError | undefined;
  /** Room in each group. */
  capacity?: number;
  takesLetter?: (body: string) => boolean;
  takesRest?: (body: string) => boolean;
  credentials?: CredentialSource;
  random?: () => number;
  callMs?: number;
  /** Whether there is a primary domain too, which answers 502 at once. */
  isPrimaryDown?: boolean;
  /** How long the batch may take, from its start to the end of its last call. */
  deadlineMs?: number;
}

/** The queue's batches over a RongCloud that keeps groups, at 24 calls a second. Time is simulated. */
export interface BatchWorld {
  time: SimulatedTime;
  calls: Call[];
  /** Who is in a group. */
  members(groupId: string): string[];
  /** What the dead-letter queue took. */
  letters: OutgoingMessage[];
  /** What the queue itself took back. */
  rests: OutgoingMessage[];
  /** Message ids that are to come back soon. */
  broughtBack: string[];
  logged: (CallFields & { error: JoinError | undefined; userId: string | undefined })[];
  sendings: Sending[];
  run(messages: readonly QueueMessage[]): Promise<BatchReport>;
}

export function createBatchWorld(options: WorldOptions = {}): BatchWorld {
  const { judge, capacity = 3000, takesLetter, takesRest, callMs = 10, deadlineMs = 54_000 } = options;
  const time = createSimulatedTime(0);
  const rongCloud = new RongCloud({
    time,
    random: new SeededRandom(1),
    acceptedSecret: () => APP_SECRET,
    capacity,
    freshness: false,
    userFaults: new Map(),
    nameFaults: new Map(),
    callsPerSecond: Number.POSITIVE_INFINITY,
    travelMs: () => 0,
    answerMs: () => callMs,
    script(call, ordinal) {
      const error = judge?.(call, ordinal);
      return typeof error === 'string' ? new JoinError(error) : error;
    },
  });
  const transport = rongCloud.transport(() => ({ door: 'queue', environment: 1, invocation: 1, sleep: time.sleep }));
  const logged: BatchWorld['logged'] = [];
  const sendings: Sending[] = [];
  const client = new RongCloudClient({
    urls: options.isPrimaryDown ? ['https://down.example', 'https://p.example'] : ['https://p.example'],
    credentials: options.credentials ?? {
      get: async () => ({ appKey: APP_KEY, appSecret: APP_SECRET }),
      replace: async () => undefined,
    },
    clock: time.clock,
    sleep: time.sleep,
    random: () => 0,
    randomUUID: () => '0'.repeat(32),
    transport: {
      ...transport,
      async post(request) {
        if (request.url.host !== 'down.example') return transport.post(request);
        return { status: 502, body: '', complete: true };
      },
    },
  });
  const telemetry: Telemetry = {
    ...silent,
    sending: (sending) => sendings.push(sending),
    call: (fields, error, userId) => logged.push({ ...fields, error, userId }),
  };
  const letters: OutgoingMessage[] = [];
  const rests: OutgoingMessage[] = [];
  const broughtBack: string[] = [];
  const joinBatch = createJoinBatch({
    client,
    pacer: new Pacer({ ratePerSecond: 24, clock: time.clock, sleep: time.sleep }),
    halfSent: new HalfSent(time.clock),
    sendDeadLetters: sender(letters, takesLetter),
    sendBack: sender(rests, takesRest),
    async bringBackSoon(messages) {
      broughtBack.push(...messages.map(({ messageId }) => messageId));
    },
    random: options.random ?? (() => 0),
  });
  return {
    time,
    calls: rongCloud.calls,
    members: (groupId) => [...rongCloud.members(groupId)],
    letters,
    rests,
    broughtBack,
    logged,
    sendings,
    run: (messages) =>
      time.run(
        joinBatch(messages, {
          deadline: time.now() + deadlineMs,
          line: new BatchLine(telemetry, time.clock, 'aws-1'),
        }),
      ),
  };
}

function sender(queue: OutgoingMessage[], takes: (body: string) => boolean = () => true): Send {
  return async (messages) => {
    const ends = messages.map(({ body }) => (takes(body) ? 'taken' : 'refused'));
    queue.push(...messages.filter((_, i) => ends[i] === 'taken'));
    return { ends, error: ends.every((end) => end === 'taken') ? undefined : new JoinError('QUEUE_UNAVAILABLE') };
  };
}

let count = 0;

/** A message of the queue with an id that no other has; without a request id of its own it goes by that. */
export function message(
  groupId: string,
  userIds: readonly string[],
  more: { groupName?: string; requestId?: string } = {},
  sentAt = 0,
): QueueMessage {
  count += 1;
  return {
    messageId: `m${count}`,
    body: JSON.stringify({ groupId, userIds, ...more }),
    sentAt,
    receiptHandle: `receipt-${count}`,
    receiveCount: 1,
  };
}
