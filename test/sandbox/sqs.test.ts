import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDeadLetterQueue } from '../../lib/queue/dead-letters.ts';
import { createEnqueue } from '../../lib/queue/send.ts';
import { startAws } from '../../sandbox/aws.ts';
import { startEventSource } from '../../sandbox/event-source.ts';
import type { LocalServer } from '../../sandbox/http-server.ts';
import { sqsOperations } from '../../sandbox/sqs.ts';
import { SqsQueue } from '../../sandbox/sqs-queue.ts';

const clock = { ms: 0 };
let dead: SqsQueue;
let queue: SqsQueue;
let aws: LocalServer;
let client: SQSClient;
let QueueUrl: string;
beforeEach(async () => {
  clock.ms = 1_000_000;
  const now = () => clock.ms;
  dead = new SqsQueue({ name: 'dead', visibilityTimeoutMs: 1000, now });
  queue = new SqsQueue({
    name: 'joins',
    visibilityTimeoutMs: 1000,
    redrive: { deadLetterQueue: dead, maxReceiveCount: 3 },
    now,
  });
  aws = await startAws(0, sqsOperations([queue, dead]));
  QueueUrl = `${aws.url}/000000000000/joins`;
  client = new SQSClient({
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
});
afterEach(async () => {
  client.destroy();
  await aws.close();
});
const bodies = (messages: readonly { body: string }[]) => messages.map(({ body }) => body);

describe('the stand-in SQS', () => {
  it('takes, gives, hides and deletes messages with the real client', async () => {
    const attributes = { code: { DataType: 'String', StringValue: 'X' } };
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'é😀', MessageAttributes: attributes }));
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    expect(Messages).toMatchObject([
      { Body: 'é😀', MessageAttributes: attributes, Attributes: { ApproximateReceiveCount: '1' } },
    ]);
    expect(queue.counts).toEqual({ ready: 0, hidden: 1 });
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle }));
    expect(queue.counts).toEqual({ ready: 0, hidden: 0 });
  });

  it('hands out again what was not deleted in time, and counts', async () => {
    queue.send('a');
    expect(queue.receive(10).map(({ receiveCount }) => receiveCount)).toEqual([1]);
    clock.ms += 999;
    expect(queue.receive(10)).toEqual([]);
    clock.ms += 1;
    expect(queue.receive(10).map(({ receiveCount }) => receiveCount)).toEqual([2]);
  });

  it('moves what was received too often to the dead-letter queue, and back when it is told to', async () => {
    queue.send('a');
    for (let i = 0; i < 3; i++) {
      expect(bodies(queue.receive(1))).toEqual(['a']);
      clock.ms += 1000;
    }
    expect(queue.receive(1)).toEqual([]);
    expect(dead.bodies()).toEqual(['a']);
    await client.send(new StartMessageMoveTaskCommand({ SourceArn: dead.arn, DestinationArn: queue.arn }));
    expect(bodies(queue.receive(1))).toEqual(['a']);
  });

  it('takes 1 to 10 messages in a batch, and refuses what it can not carry', async () => {
    const batch = (...texts: string[]) =>
      client.send(
        new SendMessageBatchCommand({
          QueueUrl,
          Entries: texts.map((MessageBody, i) => ({ Id: String(i), MessageBody })),
        }),
      );
    expect((await batch('a', '\uffff')).Failed).toMatchObject([{ Id: '1', Code: 'InvalidMessageContents' }]);
    await expect(batch(...Array(11).fill('a'))).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
    await expect(
      client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(1024 * 1024 + 1) })),
    ).rejects.toThrow();
    await expect(
      client.send(new SendMessageCommand({ QueueUrl: `${QueueUrl}x`, MessageBody: 'a' })),
    ).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
    });
  });

  it('speaks the query protocol of older CLIs', async () => {
    const query = async (form: Record<string, string>) => {
      const response = await fetch(aws.url, {
        method: 'POST',
        body: new URLSearchParams({ Version: '2012-11-05', QueueUrl, ...form }),
      });
      return [response.status, await response.text()];
    };
    expect((await query({ Action: 'SendMessage', MessageBody: '<é&>' }))[1]).toMatch(/<MD5OfMessageBody>\w{32}</);
    const [status, xml] = await query({ Action: 'ReceiveMessage' });
    expect(status).toBe(200);
    expect(xml).toContain('<Body>&#60;é&#38;&#62;</Body>');
    expect(xml).toContain('<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>');
    expect((await query({ Action: 'SendMessage', QueueUrl: 'x/none', MessageBody: 'a' }))[0]).toBe(400);
    expect((await query({ Action: 'Nonsense' }))[0]).toBe(400);
  });
});

describe('createEnqueue', () => {
  it('sends one message, with escapes for what SQS can not carry', async () => {
    const request = { groupId: 'g\ufffe', userIds: ['\uffff', 'a\u{1ffff}', '用户'] };
    await createEnqueue(client, QueueUrl)(request, 'r-1');
    const [body = ''] = queue.bodies();
    expect(body).toContain('\\ufffe');
    expect(JSON.parse(body)).toEqual({ ...request, requestId: 'r-1' });
  });

  it('carries the largest request there is', async () => {
    const userIds = Array.from({ length: 3000 }, (_, i) => `${i}`.padStart(4, '0') + '用'.repeat(60));
    await createEnqueue(client, QueueUrl)(
      { groupId: '用'.repeat(64), userIds, groupName: '用'.repeat(64) },
      'r'.repeat(36),
    );
    expect(queue.bodies()).toHaveLength(1);
  });

  it('gives QUEUE_UNAVAILABLE when SQS does not take it', async () => {
    const refused = { code: 'QUEUE_UNAVAILABLE', outcome: 'not_sent', retryable: true };
    expect(await createEnqueue(client, `${QueueUrl}x`)({ groupId: 'g', userIds: ['a'] }, 'r')).toMatchObject(refused);
    await aws.close();
    expect(await createEnqueue(client, QueueUrl)({ groupId: 'g', userIds: ['a'] }, 'r')).toMatchObject(refused);
  });
});

describe('createDeadLetterQueue', () => {
  const letter = (messageId: string, body = '{') => ({
    messageId,
    requestId: `r-${messageId}`,
    body,
    code: 'GROUP_FULL' as const,
    failedCount: 2,
  });

  it('sends bodies verbatim with their reasons, as many as there are', async () => {
    const letters = Array.from({ length: 25 }, (_, i) => letter(`m${i}`, `body ${i}`));
    const { taken } = await createDeadLetterQueue(client, QueueUrl).send(letters);
    expect([...taken].sort()).toEqual(letters.map(({ messageId }) => messageId).sort());
    expect(queue.bodies().sort()).toEqual(letters.map(({ body }) => body).sort());
    expect(queue.receive(1)[0]?.attributes).toEqual({
      code: { DataType: 'String', StringValue: 'GROUP_FULL' },
      requestId: { DataType: 'String', StringValue: expect.stringMatching(/^r-m\d+$/) },
      failedCount: { DataType: 'Number', StringValue: '2' },
    });
  });

  it('keeps large bodies under the limit of a request', async () => {
    const letters = Array.from({ length: 12 }, (_, i) => letter(`m${i}`, 'x'.repeat(400_000)));
    expect((await createDeadLetterQueue(client, QueueUrl).send(letters)).taken.size).toBe(12);
  });

  it('names only those that were taken', async () => {
    const letters = [letter('good'), letter('bad', '\uffff')];
    expect(await createDeadLetterQueue(client, QueueUrl).send(letters)).toEqual({
      taken: new Set(['good']),
      error: expect.objectContaining({ message: 'SQS refused 1 dead letters: InvalidMessageContents' }),
    });
    await aws.close();
    expect(await createDeadLetterQueue(client, QueueUrl).send(letters)).toEqual({
      taken: new Set(),
      error: expect.any(Error),
    });
  });
});

describe('the stand-in event source', () => {
  it('delivers at most so many batches at once, and deletes what was not reported', async () => {
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
});
