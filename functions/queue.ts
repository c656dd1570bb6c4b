import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Clock } from '../lib/clock.ts';
import { JoinError } from '../lib/errors.ts';
import type { Invocation } from '../lib/join/serve.ts';
import type { JoinBatch } from '../lib/queue/batch.ts';
import type { QueueMessage } from '../lib/queue/message.ts';
import type { BatchFields } from '../lib/telemetry/fields.ts';
import type { Telemetry } from '../lib/telemetry/telemetry.ts';

export interface QueueDeps {
  joinBatch: JoinBatch;
  telemetry: Telemetry;
  clock: Clock;
}

/** What remains of an invocation for sending messages (4 s) and for the answer, once the last call is over. */
const SETTLE_RESERVE_MS = 6000;

/**
 * The queue door: a batch of SQS messages, each the Invoke door's event. Answers with the messages that stay on the
 * queue: those of which nobody is decided, and those whose rest could not be sent on. Never throws.
 */
export function createHandler(deps: QueueDeps) {
  return async ({ Records: records = [] }: SQSEvent, invocation: Invocation): Promise<SQSBatchResponse> => {
    const startedAt = deps.clock.now();
    const messages = records.map(toMessage);
    const { telemetry } = deps;
    let calls = 0;
    let users = 0;
    const oldestMs = Math.max(0, ...messages.map(({ sentAt }) => startedAt.wall - sentAt));
    const lambdaRequestId = invocation.awsRequestId;
    const ids = { requestId: lambdaRequestId, lambdaRequestId };
    const fields = { ...ids, messages: messages.length, oldestMs };
    const end = (
      counts: Pick<BatchFields, 'done' | 'retained' | 'requeued' | 'deadLettered'>,
      error?: JoinError,
    ): void => {
      telemetry.batch(
        { ...fields, users, calls, ...counts, durationMs: deps.clock.steady() - startedAt.steady },
        error,
      );
    };
    try {
      const { retained, deadLettered, requeued, done, stoppedBy } = await deps.joinBatch(messages, {
        deadline: startedAt.steady + invocation.getRemainingTimeInMillis() - SETTLE_RESERVE_MS,
        onAttempt: (attempt) => telemetry.attempt(attempt, lambdaRequestId),
        onCall({ requestId, error, ...call }) {
          calls += 1;
          users += call.users;
          telemetry.call({ upstreamRequestId: requestId, lambdaRequestId, ...call }, error);
        },
        onLostEvents: ({ cause, ...lost }) => {
          telemetry.lostEvents({ ...ids, ...lost }, cause);
        },
      });
      for (const { body: _, ...letter } of deadLettered) telemetry.deadLetter({ ...letter, lambdaRequestId });
      end({ done, retained: retained.length, requeued, deadLettered: deadLettered.length }, stoppedBy);
      return { batchItemFailures: retained.map((itemIdentifier) => ({ itemIdentifier })) };
    } catch (cause) {
      const counts = { done: 0, retained: messages.length, requeued: 0, deadLettered: 0 };
      end(counts, new JoinError('INTERNAL', { cause }));
      return { batchItemFailures: messages.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    }
  };
}

/** A message with fewer users than it once had says itself when the first of its kind was sent. */
function toMessage(record: SQSRecord): QueueMessage {
  const { messageId, receiptHandle, body, attributes, messageAttributes } = record;
  const sentAt = Number(attributes.SentTimestamp);
  const firstSentAt = Number(messageAttributes?.firstSentAt?.stringValue ?? sentAt);
  return {
    messageId,
    body,
    sentAt: firstSentAt > 0 && firstSentAt < sentAt ? firstSentAt : sentAt,
    senderGroup: attributes.MessageGroupId,
    receiptHandle,
    receiveCount: Number(attributes.ApproximateReceiveCount),
  };
}
