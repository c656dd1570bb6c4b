import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { JoinError } from '../lib/errors.ts';
import type { Invocation } from '../lib/join/serve.ts';
import type { JoinBatch } from '../lib/queue/batch.ts';
import type { Telemetry } from '../lib/telemetry/telemetry.ts';

export interface QueueDeps {
  joinBatch: JoinBatch;
  telemetry: Telemetry;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** What remains of an invocation for the dead letters and the answer, once the last call is over. */
const SETTLE_RESERVE_MS = 5000;

/**
 * The queue door: a batch of SQS messages, each the Invoke door's event. Answers with the messages that stay on the
 * queue: those with a user who has not joined yet. Never throws.
 */
export function createHandler(deps: QueueDeps) {
  return async ({ Records: records = [] }: SQSEvent, invocation: Invocation): Promise<SQSBatchResponse> => {
    const startedAt = deps.now();
    const messages = records.map(({ messageId, body, attributes }) => {
      return { messageId, body, sentAt: Number(attributes.SentTimestamp) };
    });
    const { telemetry } = deps;
    let calls = 0;
    let users = 0;
    const oldestMs = Math.max(0, ...messages.map(({ sentAt }) => startedAt - sentAt));
    const fields = { requestId: invocation.awsRequestId, messages: messages.length, oldestMs };
    const end = (counts: { done: number; retained: number; deadLettered: number }, error?: JoinError): void => {
      telemetry.batch({ ...fields, users, calls, ...counts, durationMs: deps.now() - startedAt }, error);
    };
    try {
      const { retained, deadLettered, stoppedBy } = await deps.joinBatch(messages, {
        deadline: startedAt + invocation.getRemainingTimeInMillis() - SETTLE_RESERVE_MS,
        onAttempt: (attempt) => telemetry.attempt(attempt),
        onCall({ requestId, error, ...call }) {
          calls += 1;
          users += call.users;
          telemetry.call({ upstreamRequestId: requestId, ...call }, error);
        },
      });
      for (const { body: _, ...letter } of deadLettered) telemetry.deadLetter(letter);
      const done = messages.length - retained.length - deadLettered.length;
      end({ done, retained: retained.length, deadLettered: deadLettered.length }, stoppedBy);
      return { batchItemFailures: retained.map((itemIdentifier) => ({ itemIdentifier })) };
    } catch (cause) {
      end({ done: 0, retained: messages.length, deadLettered: 0 }, new JoinError('INTERNAL', { cause }));
      return { batchItemFailures: messages.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    }
  };
}
