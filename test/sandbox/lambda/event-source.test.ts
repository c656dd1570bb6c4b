import type { SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { SqsQueue } from '../../../sandbox/aws/sqs/queue.ts';
import { startEventSource } from '../../../sandbox/lambda/event-source.ts';

const createQueue = () => new SqsQueue({ name: 'joins', visibilityTimeoutMs: 60_000 });

describe('the stand-in event source', () => {
  it('delivers at most so many batches at once, and deletes what was not reported', async () => {
    const queue = createQueue();
    for (let i = 0; i < 50; i++) queue.send(`m${i}`);
    let running = 0;
    let most = 0;
    let delivered = 0;
    const source = startEventSource({
      queue,
      batchSize: 10,
      windowMs: 0,
      maximumConcurrency: 2,
      async invoke({ Records }) {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        delivered += Records.length;
        const kept = Records.filter(({ body }) => body === 'm7');
        if (Records.some(({ body }) => body === 'm49')) throw new Error('the function failed');
        return { batchItemFailures: kept.map(({ messageId }) => ({ itemIdentifier: messageId })) };
      },
    });
    await expect.poll(() => delivered).toBe(50);
    await source.close();
    expect(most).toBe(2);
    expect(queue.bodies().sort()).toEqual(
      ['m40', 'm41', 'm42', 'm43', 'm44', 'm45', 'm46', 'm47', 'm48', 'm49', 'm7'].sort(),
    );
  });

  it('keeps a whole batch whose answer names a message that it does not hold', async () => {
    const queue = createQueue();
    queue.send('a');
    let answered = false;
    const source = startEventSource({
      ...{ queue, batchSize: 10, windowMs: 0, maximumConcurrency: 1 },
      async invoke() {
        answered = true;
        return { batchItemFailures: [{ itemIdentifier: 'another' }] };
      },
    });
    await expect.poll(() => answered).toBe(true);
    await source.close();
    expect(queue.counts.hidden).toBe(1);
  });

  it('writes attributes and the sender as Lambda does, and only where there are any', async () => {
    const queue = createQueue();
    const attributes = {
      firstSentAt: { DataType: 'Number', StringValue: '1000' },
      bytes: { DataType: 'Binary', BinaryValue: 'AP8=' },
    };
    queue.send('with', attributes, { groupId: 'backend-7' });
    queue.send('without');
    const records: SQSEvent['Records'] = [];
    const source = startEventSource({
      ...{ queue, batchSize: 10, windowMs: 0, maximumConcurrency: 1 },
      async invoke({ Records }) {
        records.push(...Records);
        return { batchItemFailures: [] };
      },
    });
    await expect.poll(() => records.length).toBe(2);
    await source.close();
    const lists = { stringListValues: [], binaryListValues: [] };
    expect(records[0]).toMatchObject({ body: 'with', attributes: { MessageGroupId: 'backend-7' } });
    expect(records[0]?.messageAttributes).toEqual({
      firstSentAt: { stringValue: '1000', dataType: 'Number', ...lists },
      bytes: { binaryValue: 'AP8=', dataType: 'Binary', ...lists },
    });
    expect(records[1]?.messageAttributes).toEqual({});
    expect(records[1]?.attributes).not.toHaveProperty('MessageGroupId');
  });
});
