import type { SQSBatchResponse } from 'aws-lambda';
import type { Clock } from '../lib/clock.ts';
import { JoinError } from '../lib/errors.ts';
import { withoutKeys } from '../lib/join/join-request.ts';
import type { Invocation } from '../lib/join/serve.ts';
import type { JoinBatch } from '../lib/queue/batch.ts';
import type { QueueMessage } from '../lib/queue/message.ts';
import type { BatchFields } from '../lib/telemetry/fields.ts';
import type { Telemetry } from '../lib/telemetry/telemetry.ts';
import { fieldOf, textOf } from './event-field.ts';

export interface QueueDeps {
  joinBatch: JoinBatch;
  telemetry: Telemetry;
  clock: Clock;
}

/** What remains of an invocation for sending messages (4 s) and for the answer, once the last call is over. */
const SETTLE_RESERVE_MS = 6000;

const EXPECTED_EVENT = 'This function expects a batch of SQS: a list of Records, each with a messageId.';

/**
 * The queue door: a batch of SQS messages, each the Invoke door's event. Answers with the messages that stay on the
 * queue: those of which nobody is decided, those whose rest could not be sent on, and those that can't be read. Throws
 * only if an event is no batch of SQS, or has a message that the answer could not name: any answer would tell the source
 * that such messages are done.
 */
export function createHandler(deps: QueueDeps) {
  return async (event: unknown, invocation: Invocation): Promise<SQSBatchResponse> => {
    const startedAt = deps.clock.now();
    const records = readRecords(event);
    const messages = records.flatMap(({ message }) => message ?? []);
    const unreadable = records.filter(({ message }) => !message).map(({ messageId }) => messageId);
    const { telemetry } = deps;
    let calls = 0;
    let users = 0;
    const oldestMs = Math.max(0, ...messages.map(({ sentAt }) => startedAt.wall - sentAt));
    const lambdaRequestId = invocation.awsRequestId;
    const ids = { requestId: lambdaRequestId, lambdaRequestId };
    const fields = { ...ids, messages: records.length, oldestMs };
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
      const { deadLettered, requeued, done, stoppedBy, ...report } = await deps.joinBatch(messages, {
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
      const retained = [...unreadable, ...report.retained];
      for (const { body: _, errors, ...letter } of deadLettered) {
        telemetry.deadLetter({ ...letter, errors: errors && withoutKeys(errors), lambdaRequestId });
      }
      end({ done, retained: retained.length, requeued, deadLettered: deadLettered.length }, stoppedBy);
      return { batchItemFailures: retained.map((itemIdentifier) => ({ itemIdentifier })) };
    } catch (cause) {
      const counts = { done: 0, retained: records.length, requeued: 0, deadLettered: 0 };
      end(counts, new JoinError('INTERNAL', { cause }));
      return { batchItemFailures: records.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    }
  };
}

/** The messages of a batch. A message is undefined if its record is none that SQS makes. */
function readRecords(event: unknown): { messageId: string; message: QueueMessage | undefined }[] {
  const records = fieldOf(event, 'Records');
  if (!Array.isArray(records)) throw new JoinError('INVALID_REQUEST', { detail: EXPECTED_EVENT });
  return records.map((record: unknown) => {
    const messageId = textOf(record, 'messageId');
    if (!messageId) throw new JoinError('INVALID_REQUEST', { detail: EXPECTED_EVENT });
    return { messageId, message: toMessage(messageId, record) };
  });
}

/** A message with fewer users than it once had says itself when the first of its kind was sent. */
function toMessage(messageId: string, record: unknown): QueueMessage | undefined {
  const body = textOf(record, 'body');
  const attributes = fieldOf(record, 'attributes');
  // An empty text would be the year 1970.
  const sentAt = Number(textOf(attributes, 'SentTimestamp') || Number.NaN);
  if (body === undefined || !Number.isFinite(sentAt)) return undefined;
  const firstSentAt = Number(textOf(fieldOf(fieldOf(record, 'messageAttributes'), 'firstSentAt'), 'stringValue'));
  return {
    messageId,
    body,
    sentAt: firstSentAt > 0 && firstSentAt < sentAt ? firstSentAt : sentAt,
    senderGroup: textOf(attributes, 'MessageGroupId'),
    receiptHandle: textOf(record, 'receiptHandle') ?? '',
    receiveCount: Number(textOf(attributes, 'ApproximateReceiveCount')),
  };
}
