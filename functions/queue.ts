import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { JoinError } from '../lib/errors.ts';
import type { JoinBatch } from '../lib/queue/join-batch.ts';
import type { Invocation } from '../lib/served-join.ts';
import type { Telemetry } from '../lib/telemetry.ts';

export interface QueueDeps {
  joinBatch: JoinBatch;
  telemetry: Telemetry;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** What remains of an invocation for the dead letters and the answer, once the last call is over. */
export const RESERVE_MS = 5000;

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
    const end = (counts: { done: number; back: number; deadLettered: number }, error?: JoinError): void => {
      telemetry.batch({ ...fields, users, calls, ...counts, durationMs: deps.now() - startedAt }, error);
    };
    try {
      const { back, condemned, stoppedBy } = await deps.joinBatch(messages, {
        deadline: startedAt + invocation.getRemainingTimeInMillis() - RESERVE_MS,
        onAttempt: (attempt) => telemetry.attempt(attempt),
        onCall({ requestId, error, ...call }) {
          calls += 1;
          users += call.users;
          telemetry.call({ upstreamRequestId: requestId, ...call }, error);
        },
      });
      for (const { body: _, ...letter } of condemned) telemetry.deadLetter(letter);
      const done = messages.length - back.length - condemned.length;
      end({ done, back: back.length, deadLettered: condemned.length }, stoppedBy);
      return { batchItemFailures: back.map((itemIdentifier) => ({ itemIdentifier })) };
    } catch (cause) {
      end({ done: 0, back: messages.length, deadLettered: 0 }, new JoinError('INTERNAL', { cause }));
      return { batchItemFailures: messages.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    }
  };
}
