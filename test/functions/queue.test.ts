import type { SQSEvent } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../functions/queue.ts';
import type { BatchReport, JoinBatch } from '../../lib/queue/batch.ts';
import { silent } from '../../tools/sim/silent-telemetry.ts';
import { clockOf } from '../helpers/clock-of.ts';
import { FOREIGN_EVENTS } from '../helpers/foreign-events.ts';

const event = {
  Records: ['m1', 'm2', 'm3'].map((messageId, i) => ({
    messageId,
    receiptHandle: `receipt ${i}`,
    body: `body ${i}`,
    attributes: { SentTimestamp: `${i * 100}`, ApproximateReceiveCount: `${i + 1}` },
  })),
} as unknown as SQSEvent;
const invocation = (remainingMs: number) => ({ awsRequestId: 'aws-1', getRemainingTimeInMillis: () => remainingMs });

function setUp(report: Partial<BatchReport> | Error) {
  const joinBatch = vi.fn<JoinBatch>(async () => {
    if (report instanceof Error) throw report;
    return { retained: [], deadLettered: [], requeued: 0, done: 0, groups: [], stoppedBy: undefined, ...report };
  });
  const batch = vi.fn();
  const deadLetter = vi.fn();
  const handler = createHandler({ joinBatch, telemetry: { ...silent, batch, deadLetter }, clock: clockOf(() => 1000) });
  return { joinBatch, batch, deadLetter, handler };
}

describe('the queue door', () => {
  it('hands over bodies with their times, and the time that is left but for six seconds', async () => {
    const { handler, joinBatch } = setUp({});
    expect(await handler(event, invocation(42_000))).toEqual({ batchItemFailures: [] });
    const [messages, options] = joinBatch.mock.lastCall ?? [];
    expect(messages).toEqual([
      { messageId: 'm1', body: 'body 0', sentAt: 0, receiptHandle: 'receipt 0', receiveCount: 1 },
      { messageId: 'm2', body: 'body 1', sentAt: 100, receiptHandle: 'receipt 1', receiveCount: 2 },
      { messageId: 'm3', body: 'body 2', sentAt: 200, receiptHandle: 'receipt 2', receiveCount: 3 },
    ]);
    expect(options?.deadline).toBe(1000 + 42_000 - 6000);
  });

  it.each([
    [undefined, 500],
    ['300', 300],
    // What nobody can have sent says nothing.
    ['501', 500],
    ['0', 500],
    ['-1', 500],
    ['text', 500],
  ])('takes the age of what is left of a message from it: sent at 500, it says %s', async (stringValue, sentAt) => {
    const { handler, joinBatch, batch } = setUp({});
    const record = {
      messageId: 'm1',
      body: 'body',
      receiptHandle: 'receipt',
      attributes: { SentTimestamp: '500', ApproximateReceiveCount: '1', MessageGroupId: 'app' },
      messageAttributes: stringValue === undefined ? {} : { firstSentAt: { stringValue, dataType: 'Number' } },
    };
    await handler({ Records: [record] } as unknown as SQSEvent, invocation(42_000));
    expect(joinBatch.mock.lastCall?.[0]).toEqual([
      { messageId: 'm1', body: 'body', sentAt, senderGroup: 'app', receiptHandle: 'receipt', receiveCount: 1 },
    ]);
    expect(batch.mock.lastCall?.[0]).toMatchObject({ oldestMs: 1000 - sentAt });
  });

  it('keeps on the queue what is to stay, and tells of what went to the dead-letter queue', async () => {
    const letter = { messageId: 'm3', requestId: 'r-3', code: 'GROUP_FULL' as const, failedCount: 2 };
    const { handler, batch, deadLetter } = setUp({ retained: ['m2'], deadLettered: [letter], requeued: 2, done: 1 });
    expect(await handler(event, invocation(60_000))).toEqual({ batchItemFailures: [{ itemIdentifier: 'm2' }] });
    expect(deadLetter.mock.calls).toEqual([
      [{ messageId: 'm3', requestId: 'r-3', code: 'GROUP_FULL', failedCount: 2, lambdaRequestId: 'aws-1' }],
    ]);
    expect(batch.mock.lastCall?.[0]).toMatchObject({
      messages: 3,
      done: 1,
      retained: 1,
      requeued: 2,
      deadLettered: 1,
      oldestMs: 1000,
    });
  });

  it('tells what was wrong with a message, without the names that its sender gave to keys', async () => {
    const errors = [
      { pointer: '/userIds', detail: 'Is required.' },
      { pointer: '/planted', detail: 'Unknown key.' },
    ];
    const letter = {
      messageId: 'm3',
      requestId: 'r-3',
      code: 'INVALID_REQUEST' as const,
      failedCount: 0,
      errors,
    };
    const { handler, deadLetter } = setUp({ deadLettered: [letter] });
    await handler(event, invocation(60_000));
    expect(deadLetter.mock.lastCall?.[0]).toMatchObject({
      code: 'INVALID_REQUEST',
      errors: [
        { pointer: '/userIds', detail: 'Is required.' },
        { pointer: '', detail: 'Unknown key.' },
      ],
    });
  });

  it.each([
    ...FOREIGN_EVENTS,
    ['Records that are no list', { Records: 'm1' }],
    ['Records without a list', { Records: null }],
    ['a record that is null', { Records: [null] }],
    ['a record without an id', { Records: [{ body: '{}', attributes: { SentTimestamp: '1' } }] }],
    ['a record with an empty id', { Records: [{ ...event.Records[0], messageId: '' }] }],
    ['a record whose id is no text', { Records: [...event.Records, { ...event.Records[0], messageId: 7 }] }],
  ])('throws what it expects when it is given %s, and joins nobody', async (_name, foreign) => {
    const { handler, joinBatch } = setUp({});
    await expect(handler(foreign, invocation(60_000))).rejects.toThrow(
      'This function expects a batch of SQS: a list of Records, each with a messageId.',
    );
    expect(joinBatch).not.toHaveBeenCalled();
  });

  const [record] = event.Records;
  it.each([
    ['no attributes', { messageId: 'bad', body: 'body' }],
    ['attributes that are null', { ...record, attributes: null }],
    ['no time', { ...record, attributes: {} }],
    ['a time that is no number', { ...record, attributes: { SentTimestamp: 'now' } }],
    ['a time that is an object', { ...record, attributes: { SentTimestamp: { valueOf: 1, toString: 1 } } }],
    ['no body', { ...record, body: undefined }],
    ['a body that is null', { ...record, body: null }],
    ['a body that is an object', { ...record, body: { groupId: 'g', userIds: ['a'] } }],
    ['nothing', {}],
  ])('keeps a record with %s on the queue, and goes on with the others', async (_name, bad) => {
    const { handler, joinBatch, batch } = setUp({ retained: ['m3'], done: 2 });
    const Records = [{ ...bad, messageId: 'bad' }, ...event.Records];
    const { batchItemFailures } = await handler({ Records }, invocation(60_000));
    expect(batchItemFailures).toEqual([{ itemIdentifier: 'bad' }, { itemIdentifier: 'm3' }]);
    expect(joinBatch.mock.lastCall?.[0].map(({ messageId }) => messageId)).toEqual(['m1', 'm2', 'm3']);
    expect(batch.mock.lastCall?.[0]).toMatchObject({ messages: 4, retained: 2, done: 2, oldestMs: 1000 });
  });

  it('takes a record of what it needs alone, as people make them', async () => {
    const { handler, joinBatch } = setUp({});
    const Records = [{ messageId: 'm1', body: 'body', attributes: { SentTimestamp: '500' } }];
    expect(await handler({ Records }, invocation(60_000))).toEqual({ batchItemFailures: [] });
    expect(joinBatch.mock.lastCall?.[0]).toMatchObject([{ messageId: 'm1', body: 'body', sentAt: 500 }]);
  });

  it('loses no message to what nobody foresaw', async () => {
    const { handler, batch } = setUp(new TypeError('bug'));
    const { batchItemFailures } = await handler(
      { Records: [...event.Records, { messageId: 'bad' }] },
      invocation(60_000),
    );
    expect(batchItemFailures).toEqual(['m1', 'm2', 'm3', 'bad'].map((itemIdentifier) => ({ itemIdentifier })));
    expect(batch.mock.lastCall?.[0]).toMatchObject({ messages: 4, retained: 4 });
    expect(batch.mock.lastCall?.[1]).toMatchObject({ code: 'INTERNAL', cause: { message: 'bug' } });
  });
});
