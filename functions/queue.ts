import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { JoinError } from '../lib/errors.ts';
import type { JoinBatch } from '../lib/queue/join-batch.ts';
import type { Invocation } from '../lib/served-join.ts';
import type { QueueLog } from '../lib/telemetry.ts';

export interface QueueDeps {
  joinBatch: JoinBatch;
  log: QueueLog;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** What remains of an invocation for the dead letters and the answer, once the last call is over. */
const RESERVE_MS = 5000;

/**
 * The queue door: a batch of SQS messages, each the Invoke door's event. Answers with the messages that stay on the
 * queue: those with a user who has not joined yet. Never throws.
 */
export function createHandler(deps: QueueDeps) {
  return async ({ Records: records }: SQSEvent, invocation: Invocation): Promise<SQSBatchResponse> => {
    const startedAt = deps.now();
    const messages = records.map(({ messageId, body, attributes }) => {
      return { messageId, body, sentAt: Number(attributes.SentTimestamp) };
    });
    let calls = 0;
    const fields = { requestId: invocation.awsRequestId, messages: messages.length };
    try {
      const { back, condemned, stoppedBy } = await deps.joinBatch(messages, {
        deadline: startedAt + invocation.getRemainingTimeInMillis() - RESERVE_MS,
        onCall({ error, ...call }) {
          calls += 1;
          deps.log.call(call, error);
        },
      });
      for (const { body: _, ...letter } of condemned) deps.log.deadLetter(letter);
      const done = messages.length - back.length - condemned.length;
      const counts = { calls, done, back: back.length, deadLettered: condemned.length };
      deps.log.batch({ ...fields, ...counts, durationMs: deps.now() - startedAt }, stoppedBy);
      return { batchItemFailures: back.map((itemIdentifier) => ({ itemIdentifier })) };
    } catch (cause) {
      const counts = { calls, done: 0, back: messages.length, deadLettered: 0 };
      const error = new JoinError('INTERNAL', { cause });
      deps.log.batch({ ...fields, ...counts, durationMs: deps.now() - startedAt }, error);
      return { batchItemFailures: messages.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    }
  };
}
