import type { SQSEvent } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../functions/queue.ts';
import type { BatchReport, JoinBatch } from '../../lib/queue/batch.ts';
import { silent } from '../helpers/silent-telemetry.ts';

const event = {
  Records: ['m1', 'm2', 'm3'].map((messageId, i) => ({
    messageId,
    body: `body ${i}`,
    attributes: { SentTimestamp: `${i * 100}` },
  })),
} as unknown as SQSEvent;
const invocation = (remainingMs: number) => ({ awsRequestId: 'aws-1', getRemainingTimeInMillis: () => remainingMs });

function setUp(report: Partial<BatchReport> | Error) {
  const joinBatch = vi.fn<JoinBatch>(async () => {
    if (report instanceof Error) throw report;
    return { retained: [], deadLettered: [], stoppedBy: undefined, ...report };
  });
  const batch = vi.fn();
  const deadLetter = vi.fn();
  const handler = createHandler({ joinBatch, telemetry: { ...silent, batch, deadLetter }, now: () => 1000 });
  return { joinBatch, batch, deadLetter, handler };
}

describe('the queue door', () => {
  it('hands over bodies with their times, and the time that is left but for five seconds', async () => {
    const { handler, joinBatch } = setUp({});
    expect(await handler(event, invocation(42_000))).toEqual({ batchItemFailures: [] });
    const [messages, options] = joinBatch.mock.lastCall ?? [];
    expect(messages).toEqual([
      { messageId: 'm1', body: 'body 0', sentAt: 0 },
      { messageId: 'm2', body: 'body 1', sentAt: 100 },
      { messageId: 'm3', body: 'body 2', sentAt: 200 },
    ]);
    expect(options?.deadline).toBe(1000 + 42_000 - 5000);
  });

  it('keeps on the queue what is to stay, and tells of what went to the dead-letter queue', async () => {
    const letter = { messageId: 'm3', requestId: 'r-3', body: 'planted', code: 'GROUP_FULL' as const, failedCount: 2 };
    const { handler, batch, deadLetter } = setUp({ retained: ['m2'], deadLettered: [letter] });
    expect(await handler(event, invocation(60_000))).toEqual({ batchItemFailures: [{ itemIdentifier: 'm2' }] });
    expect(deadLetter.mock.calls).toEqual([
      [{ messageId: 'm3', requestId: 'r-3', code: 'GROUP_FULL', failedCount: 2 }],
    ]);
    expect(batch.mock.lastCall?.[0]).toMatchObject({
      messages: 3,
      done: 1,
      retained: 1,
      deadLettered: 1,
      oldestMs: 1000,
    });
  });

  it('loses no message to what nobody foresaw', async () => {
    const { handler, batch } = setUp(new TypeError('bug'));
    const { batchItemFailures } = await handler(event, invocation(60_000));
    expect(batchItemFailures).toEqual(['m1', 'm2', 'm3'].map((itemIdentifier) => ({ itemIdentifier })));
    expect(batch.mock.lastCall?.[1]).toMatchObject({ code: 'INTERNAL', cause: { message: 'bug' } });
  });
});
