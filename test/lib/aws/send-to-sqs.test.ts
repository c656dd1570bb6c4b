import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSend, MAX_BYTES, type OutgoingMessage } from '../../../lib/aws/sqs.ts';
import { createEnqueue, messageBody } from '../../../lib/queue/message.ts';
import { type LocalSqs, startLocalSqs } from '../../helpers/local-sqs.ts';

let sqs: LocalSqs;
beforeEach(async () => {
  sqs = await startLocalSqs();
});
afterEach(() => sqs.close());
const send = (messages: OutgoingMessage[], queueUrl = sqs.QueueUrl) => createSend(sqs.client, queueUrl)(messages);
const enqueueTo = (queueUrl: string) => createEnqueue(createSend(sqs.client, queueUrl));

describe('createSend', () => {
  it('sends messages with their attributes, delays and senders, as many as there are', async () => {
    const messages = Array.from({ length: 25 }, (_, i) => ({
      body: `body ${i}`,
      attributes: { code: 'GROUP_FULL', requestId: `r-${i}`, failedCount: 2 },
      delaySeconds: i < 10 ? 5 : 0,
      senderGroup: 'backend-7',
    }));
    expect(await send(messages)).toEqual({ ends: Array(25).fill('taken'), error: undefined });
    expect(sqs.queue.bodies().sort()).toEqual(messages.map(({ body }) => body).sort());
    expect(sqs.queue.counts).toMatchObject({ ready: 15, delayed: 10 });
    expect(sqs.queue.receive(1)[0]).toMatchObject({
      groupId: 'backend-7',
      attributes: {
        code: { DataType: 'String', StringValue: 'GROUP_FULL' },
        requestId: { DataType: 'String', StringValue: expect.stringMatching(/^r-\d+$/) },
        failedCount: { DataType: 'Number', StringValue: '2' },
      },
    });
  });

  it('keeps requests within 1 MiB, attributes included', async () => {
    // Two of these fill a request to the last byte; a third goes with a request of its own.
    const attributes = { code: 'GROUP_FULL' };
    const half = { body: 'x'.repeat((1024 * 1024) / 2 - 20), attributes };
    const messages = Array.from({ length: 5 }, () => half);
    expect((await send(messages)).ends).toEqual(Array(5).fill('taken'));
    const large = Array.from({ length: 12 }, () => ({ body: 'x'.repeat(400_000), attributes }));
    expect((await send(large)).ends).toEqual(Array(12).fill('taken'));
  });

  it('says of each message whether it was taken', async () => {
    expect(await send([{ body: 'good' }, { body: '\uffff' }, { body: 'good, too' }])).toMatchObject({
      ends: ['taken', 'refused', 'taken'],
      error: { code: 'QUEUE_UNAVAILABLE', cause: { message: 'SQS refused 1 messages: InvalidMessageContents' } },
    });
    await sqs.aws.close();
    expect(await send([{ body: 'a' }])).toMatchObject({ ends: ['unanswered'], error: { code: 'QUEUE_UNAVAILABLE' } });
  });
});

describe('createEnqueue', () => {
  it('sends one message, with escapes for what SQS can not carry', async () => {
    const request = { groupId: 'g\ufffe', userIds: ['\uffff', 'a\u{1ffff}', '用户'] };
    expect(await enqueueTo(sqs.QueueUrl)(request, 'r-1')).toBeUndefined();
    const [body = ''] = sqs.queue.bodies();
    expect(body).toContain('\\ufffe');
    expect(JSON.parse(body)).toEqual({ ...request, requestId: 'r-1' });
  });

  it('says whom the message is from, if that is known', async () => {
    const request = { groupId: 'g', userIds: ['a'] };
    const enqueue = enqueueTo(sqs.QueueUrl);
    await enqueue(request, 'r-1', 'backend-7');
    await enqueue(request, 'r-2');
    expect(sqs.queue.receive(2).map(({ groupId }) => groupId)).toEqual(['backend-7', undefined]);
  });

  it('carries the largest request there is', async () => {
    const userIds = Array.from({ length: 3000 }, (_, i) => `${i}`.padStart(4, '0') + '用'.repeat(60));
    const request = { groupId: '用'.repeat(64), userIds, groupName: '用'.repeat(64) };
    expect(await enqueueTo(sqs.QueueUrl)(request, 'r'.repeat(36))).toBeUndefined();
    expect(sqs.queue.bodies()).toHaveLength(1);
  });

  it('takes a request whose message is 1 MiB with its escapes, and says of a larger one why not', async () => {
    const ids = (count: number) => Array.from({ length: count }, (_, i) => `${i}`.padEnd(64, '\ufffe'));
    const enqueue = enqueueTo(sqs.QueueUrl);
    const request = { groupId: 'g', userIds: ids(2700) };
    const bytes = () => Buffer.byteLength(messageBody(request, 'r'));
    request.groupId += 'g'.repeat(MAX_BYTES - bytes());
    expect(bytes()).toBe(MAX_BYTES);
    expect(await enqueue(request, 'r', 'backend-7')).toBeUndefined();
    request.groupId += 'g';
    expect(await enqueue(request, 'r')).toMatchObject({
      code: 'INVALID_REQUEST',
      fields: [{ pointer: '/userIds', detail: expect.stringContaining('1 MiB') }],
    });
    expect(await enqueue({ groupId: 'g', userIds: ids(3000) }, 'r')).toMatchObject({ code: 'INVALID_REQUEST' });
    expect(sqs.queue.bodies()).toHaveLength(1);
  });

  it('gives QUEUE_UNAVAILABLE when SQS does not take it', async () => {
    const refused = { code: 'QUEUE_UNAVAILABLE', outcome: 'not_sent', retryable: true };
    const request = { groupId: 'g', userIds: ['a'] };
    expect(await enqueueTo(`${sqs.QueueUrl}x`)(request, 'r')).toMatchObject(refused);
    await sqs.aws.close();
    expect(await enqueueTo(sqs.QueueUrl)(request, 'r')).toMatchObject(refused);
  });
});
