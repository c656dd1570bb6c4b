import type { SQSBatchResponse } from 'aws-lambda';
import type { Clock } from '../lib/clock.ts';
import { JoinError } from '../lib/errors.ts';
import { withoutKeys } from '../lib/join/join-request.ts';
import type { JoinBatch } from '../lib/queue/batch.ts';
import type { QueueMessage } from '../lib/queue/message.ts';
import { BatchLine } from '../lib/telemetry/batch-line.ts';
import type { Telemetry } from '../lib/telemetry/telemetry.ts';
import { fieldOf, textOf } from './event-field.ts';
import type { Invocation } from './invocation.ts';

export interface QueueDeps {
  joinBatch: JoinBatch;
  telemetry: Telemetry;
  clock: Clock;
}

/** What remains of an invocation for sending messages (4 s) and for the answer, once the last call is over. */
const SEND_RESERVE_MS = 6000;

const EXPECTED_EVENT = 'This function expects a batch of SQS: a list of Records, each with a messageId.';

/**
 * The queue door: a batch of SQS messages, each the Invoke door's event. Answers with the messages that stay on the
 * queue: those whose users are all undecided, those of one user whose name is neither given nor refused, those that
 * have something left and may not be split (SQS may hold a smaller message already), those of which a letter or the rest
 * was not taken, and records that SQS would not make. Throws only if an event is no batch of SQS, or has a message that
 * the answer could not name: any answer would tell the source that such messages are done.
 */
export function createHandler({ joinBatch, telemetry, clock }: QueueDeps) {
  return async (event: unknown, invocation: Invocation): Promise<SQSBatchResponse> => {
    const line = new BatchLine(telemetry, clock, invocation.awsRequestId);
    const records = readRecords(event);
    const messages = records.flatMap(({ message }) => message ?? []);
    line.received(
      records.length,
      messages.map(({ sentAt }) => sentAt),
    );
    const deadline = line.startedAt.steady + invocation.getRemainingTimeInMillis() - SEND_RESERVE_MS;
    try {
      const report = await joinBatch(messages, { deadline, line });
      const malformed = records.filter(({ message }) => !message).map(({ messageId }) => messageId);
      const retained = [...malformed, ...report.retained];
      for (const { errors, ...letter } of report.deadLettered) {
        line.deadLetter({ ...letter, errors: errors && withoutKeys(errors) });
      }
      const { done, requeued, stoppedBy } = report;
      line.end({ done, requeued, retained: retained.length, deadLettered: report.deadLettered.length }, stoppedBy);
      return toAnswer(retained);
    } catch (cause) {
      const error = new JoinError('INTERNAL', { cause });
      line.end({ done: 0, requeued: 0, retained: records.length, deadLettered: 0 }, error);
      return toAnswer(records.map(({ messageId }) => messageId));
    }
  };
}

/** What Lambda puts back on the queue. */
function toAnswer(messageIds: readonly string[]): SQSBatchResponse {
  return { batchItemFailures: messageIds.map((itemIdentifier) => ({ itemIdentifier })) };
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
