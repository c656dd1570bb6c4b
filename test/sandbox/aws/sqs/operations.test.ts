import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SendMessageCommand,
  type SendMessageCommandInput,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalSqs, startLocalSqs } from '../../../helpers/local-sqs.ts';

const MAX = 1024 * 1024;
let sqs: LocalSqs;
beforeEach(async () => {
  sqs = await startLocalSqs();
});
afterEach(() => sqs.close());

const bodies = (messages: readonly { body: string }[]) => messages.map(({ body }) => body);
const send = (input: Partial<SendMessageCommandInput>) =>
  sqs.client.send(new SendMessageCommand({ QueueUrl: sqs.QueueUrl, MessageBody: 'a', ...input }));
const batch = (entries: Partial<SendMessageBatchRequestEntry>[]) =>
  sqs.client.send(
    new SendMessageBatchCommand({
      QueueUrl: sqs.QueueUrl,
      Entries: entries.map((entry, i) => ({ Id: String(i), MessageBody: 'a', ...entry })),
    }),
  );
const receive = async () => {
  const command = new ReceiveMessageCommand({
    QueueUrl: sqs.QueueUrl,
    MaxNumberOfMessages: 10,
    MessageSystemAttributeNames: ['All'],
    MessageAttributeNames: ['All'],
  });
  const { Messages = [] } = await sqs.client.send(command);
  return Messages;
};
const counts = async () => {
  const command = new GetQueueAttributesCommand({ QueueUrl: sqs.QueueUrl, AttributeNames: ['All'] });
  const { Attributes } = await sqs.client.send(command);
  return Attributes;
};
/** What refuses a message sent alone, and what refuses it in a batch of two. */
const refusals = async (input: Partial<SendMessageBatchRequestEntry>) => {
  const alone = await send(input).then(
    () => undefined,
    (error: Error) => error.name,
  );
  const { Successful: successful = [], Failed: failed = [] } = await batch([input, {}]);
  return [alone, failed[0]?.Code, successful.map(({ Id }) => Id)];
};

describe('the stand-in SQS', () => {
  it('takes, gives, hides and deletes messages with the real client', async () => {
    const attributes = {
      code: { DataType: 'String', StringValue: 'X' },
      bytes: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255]) },
    };
    await send({ MessageBody: 'é😀', MessageAttributes: attributes, MessageGroupId: 'backend-7' });
    const messages = await receive();
    expect(messages).toMatchObject([
      { Body: 'é😀', Attributes: { ApproximateReceiveCount: '1', MessageGroupId: 'backend-7' } },
    ]);
    expect(messages[0]?.MessageAttributes?.code).toEqual(attributes.code);
    expect([...(messages[0]?.MessageAttributes?.bytes?.BinaryValue ?? [])]).toEqual([0, 255]);
    expect(sqs.queue.counts).toEqual({ ready: 0, hidden: 1, delayed: 0 });
    const handle = messages[0]?.ReceiptHandle;
    await sqs.client.send(new DeleteMessageCommand({ QueueUrl: sqs.QueueUrl, ReceiptHandle: handle }));
    expect(sqs.queue.counts).toEqual({ ready: 0, hidden: 0, delayed: 0 });
  });

  it('hands messages out in the order in which they came, whoever sent them', () => {
    const flood = Array.from({ length: 40 }, (_, i) => `flood-${i}`);
    for (const body of flood) sqs.queue.send(body, {}, { groupId: 'flood' });
    expect(bodies(sqs.queue.receive(30))).toEqual(flood.slice(0, 30));
    sqs.queue.send('quiet', {}, { groupId: 'quiet' });
    expect(bodies(sqs.queue.receive(11))).toEqual([...flood.slice(30), 'quiet']);
  });

  it('hands out again what was not deleted in time, and counts', () => {
    sqs.queue.send('a');
    expect(sqs.queue.receive(10).map(({ receiveCount }) => receiveCount)).toEqual([1]);
    sqs.clock.ms += 999;
    expect(sqs.queue.receive(10)).toEqual([]);
    sqs.clock.ms += 1;
    expect(sqs.queue.receive(10).map(({ receiveCount }) => receiveCount)).toEqual([2]);
  });

  it('moves what was received too often to the dead-letter queue, and back when it is told to', async () => {
    const { queue, dead, clock } = sqs;
    const code = { DataType: 'String', StringValue: 'X' };
    queue.send('a', { code }, { groupId: 'backend-7' });
    for (let i = 0; i < 3; i++) {
      expect(bodies(queue.receive(1))).toEqual(['a']);
      clock.ms += 1000;
    }
    expect(queue.receive(1)).toEqual([]);
    expect(dead.bodies()).toEqual(['a']);
    await sqs.client.send(new StartMessageMoveTaskCommand({ SourceArn: dead.arn, DestinationArn: queue.arn }));
    expect(queue.receive(1)).toMatchObject([{ body: 'a', attributes: { code }, groupId: 'backend-7' }]);
  });

  it('moves dead letters to where they came from, unless it is told another queue', async () => {
    const { messageId, sentAt } = sqs.dead.send('a');
    sqs.clock.ms += 1000;
    await sqs.client.send(new StartMessageMoveTaskCommand({ SourceArn: sqs.dead.arn }));
    expect(sqs.dead.bodies()).toEqual([]);
    expect(sqs.queue.receive(1)).toMatchObject([{ body: 'a', messageId, sentAt, receiveCount: 1 }]);
  });

  it('purges at once, as often as it is told to', async () => {
    for (const body of ['a', 'b']) {
      sqs.queue.send(body);
      await sqs.client.send(new PurgeQueueCommand({ QueueUrl: sqs.QueueUrl }));
      expect(sqs.queue.bodies()).toEqual([]);
    }
  });

  it('keeps a message back for its delay', async () => {
    await send({ MessageBody: 'now', DelaySeconds: 0 });
    await send({ MessageBody: 'in 900 s', DelaySeconds: 900 });
    await batch([{ MessageBody: 'in 5 s', DelaySeconds: 5 }]);
    expect(await counts()).toMatchObject({
      ApproximateNumberOfMessages: '1',
      ApproximateNumberOfMessagesNotVisible: '0',
      ApproximateNumberOfMessagesDelayed: '2',
    });
    expect(bodies(sqs.queue.receive(10))).toEqual(['now']);
    sqs.clock.ms += 4999;
    expect(bodies(sqs.queue.receive(10))).not.toContain('in 5 s');
    sqs.clock.ms += 1;
    expect(bodies(sqs.queue.receive(10))).toContain('in 5 s');
    expect(sqs.queue.bodies()).toContain('in 900 s');
    sqs.clock.ms += 895_000;
    expect(bodies(sqs.queue.receive(10))).toContain('in 900 s');
  });

  it('hides a message for longer, or no longer, when it is told to', async () => {
    const { client, QueueUrl, clock, queue } = sqs;
    await batch([{ MessageBody: 'longer' }, { MessageBody: 'no longer' }]);
    const [longer, noLonger] = await receive();
    const change = (ReceiptHandle: string | undefined, VisibilityTimeout: number) =>
      client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
    await change(longer?.ReceiptHandle, 10);
    await change(noLonger?.ReceiptHandle, 0);
    expect(bodies(queue.receive(10))).toEqual(['no longer']);
    clock.ms += 9999;
    expect(bodies(queue.receive(10))).toEqual(['no longer']);
    clock.ms += 1;
    expect(bodies(queue.receive(10))).toEqual(['longer']);
    await expect(change(longer?.ReceiptHandle, 10)).rejects.toMatchObject({ name: 'MessageNotInflight' });
    await expect(change('junk', 10)).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' });
    for (const seconds of [-1, 43_201, 1.5]) {
      await expect(change(longer?.ReceiptHandle, seconds)).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    }
  });

  it('changes how long messages are hidden in a batch, each by itself', async () => {
    await batch([{}, {}]);
    const [first, second] = await receive();
    const change = (handles: (string | undefined)[]) =>
      sqs.client.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: sqs.QueueUrl,
          Entries: handles.map((ReceiptHandle, i) => ({ Id: `e${i}`, ReceiptHandle, VisibilityTimeout: 0 })),
        }),
      );
    expect(await change([first?.ReceiptHandle, 'junk', second?.ReceiptHandle])).toMatchObject({
      Successful: [{ Id: 'e0' }, { Id: 'e2' }],
      Failed: [{ Id: 'e1', Code: 'ReceiptHandleIsInvalid', SenderFault: true }],
    });
    expect(sqs.queue.counts).toMatchObject({ ready: 2, hidden: 0 });
    await expect(change(Array(11).fill('x'))).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
    await expect(change([])).rejects.toMatchObject({ name: 'EmptyBatchRequest' });
  });

  it.each<[string, Partial<SendMessageBatchRequestEntry>, string]>([
    ['an empty body', { MessageBody: '' }, 'InvalidMessageContents'],
    ['U+FFFF', { MessageBody: '\uffff' }, 'InvalidMessageContents'],
    ['a delay of 901 s', { DelaySeconds: 901 }, 'InvalidParameterValue'],
    ['a delay of -1 s', { DelaySeconds: -1 }, 'InvalidParameterValue'],
    ['an empty group id', { MessageGroupId: '' }, 'InvalidParameterValue'],
    ['a group id with a space', { MessageGroupId: 'a b' }, 'InvalidParameterValue'],
    ['a group id of 129 characters', { MessageGroupId: 'x'.repeat(129) }, 'InvalidParameterValue'],
    ['an attribute without a value', { MessageAttributes: { a: { DataType: 'String' } } }, 'InvalidParameterValue'],
    [
      'an attribute of no known type',
      { MessageAttributes: { a: { DataType: 'Text', StringValue: 'x' } } },
      'InvalidParameterValue',
    ],
    [
      'a number that is none',
      { MessageAttributes: { a: { DataType: 'Number', StringValue: 'x' } } },
      'InvalidParameterValue',
    ],
    [
      'an attribute name that AWS keeps for itself',
      { MessageAttributes: { 'AWS.a': { DataType: 'String', StringValue: 'x' } } },
      'InvalidParameterValue',
    ],
    [
      '11 attributes',
      {
        MessageAttributes: Object.fromEntries(
          Array.from({ length: 11 }, (_, i) => [`a${i}`, { DataType: 'String', StringValue: 'x' }]),
        ),
      },
      'InvalidParameterValue',
    ],
  ])('refuses %s, alone and in a batch whose other entry it takes', async (_, input, code) => {
    expect(await refusals(input)).toEqual([code, code, ['1']]);
  });

  it('takes the longest group id there is, with any punctuation', async () => {
    const MessageGroupId = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'.padEnd(128, 'x');
    await send({ MessageGroupId });
    expect((await receive())[0]?.Attributes?.MessageGroupId).toBe(MessageGroupId);
  });

  it('takes messages of 1 MiB, the names, types and values of attributes included', async () => {
    // 4 + 6 + 1 bytes.
    const MessageAttributes = { code: { DataType: 'String', StringValue: 'X' } };
    await send({ MessageBody: 'x'.repeat(MAX) });
    await send({ MessageBody: 'x'.repeat(MAX - 11), MessageAttributes });
    const tooLarge = { name: 'InvalidParameterValue' };
    await expect(send({ MessageBody: 'x'.repeat(MAX + 1) })).rejects.toMatchObject(tooLarge);
    await expect(send({ MessageBody: 'x'.repeat(MAX - 10), MessageAttributes })).rejects.toMatchObject(tooLarge);
    await expect(send({ MessageBody: `${'用'.repeat(MAX / 3)}xx` })).rejects.toMatchObject(tooLarge);
  });

  it('takes batches of 1 MiB in the same way', async () => {
    const MessageAttributes = { code: { DataType: 'String', StringValue: 'X' } };
    const half = { MessageBody: 'x'.repeat(MAX / 2 - 11), MessageAttributes };
    expect((await batch([half, half])).Successful).toHaveLength(2);
    await expect(batch([half, half, {}])).rejects.toMatchObject({ name: 'BatchRequestTooLong' });
  });

  it('takes 1 to 10 entries in a batch, with different ids, for a queue that exists', async () => {
    expect((await batch(Array(10).fill({}))).Successful).toHaveLength(10);
    await expect(batch(Array(11).fill({}))).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
    await expect(batch([])).rejects.toMatchObject({ name: 'EmptyBatchRequest' });
    await expect(batch([{ Id: 'x' }, { Id: 'x' }])).rejects.toMatchObject({ name: 'BatchEntryIdsNotDistinct' });
    await expect(send({ QueueUrl: `${sqs.QueueUrl}x` })).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  });
});
