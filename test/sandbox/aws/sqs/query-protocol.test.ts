import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readQuery } from '../../../../sandbox/aws/sqs/query-protocol.ts';
import { type LocalSqs, startLocalSqs } from '../../../helpers/local-sqs.ts';

let sqs: LocalSqs;
beforeEach(async () => {
  sqs = await startLocalSqs();
});
afterEach(() => sqs.close());

/** Sends a form as the AWS CLI 2.9 of Debian does. */
async function query(form: Record<string, string>): Promise<[status: number, xml: string]> {
  const body = new URLSearchParams({ Version: '2012-11-05', QueueUrl: sqs.QueueUrl, ...form });
  const response = await fetch(sqs.aws.url, { method: 'POST', body });
  return [response.status, await response.text()];
}

describe('the stand-in SQS in the query protocol', () => {
  it.each([22, 10_000])('reads a name of %i steps no deeper than any name of SQS goes', async (steps) => {
    const form = { Action: 'ListQueues', [`${'a.'.repeat(steps)}a`]: '1' };
    expect((await query(form))[0]).toBe(200);
    let depth = 0;
    let part: unknown = readQuery(String(new URLSearchParams(form))).input;
    for (; typeof part === 'object' && part !== null; part = Object.values(part)[0]) depth += 1;
    expect(depth).toBe(8);
  });

  it('takes and gives a message with its attributes, delay and sender', async () => {
    const [, sent] = await query({
      Action: 'SendMessage',
      MessageBody: '<é&>',
      DelaySeconds: '5',
      MessageGroupId: 'backend-7',
      'MessageAttribute.1.Name': 'code',
      'MessageAttribute.1.Value.DataType': 'String',
      'MessageAttribute.1.Value.StringValue': '<X>',
      'MessageAttribute.2.Name': '__proto__',
      'MessageAttribute.2.Value.DataType': 'Number',
      'MessageAttribute.2.Value.StringValue': '7',
    });
    expect(sent).toMatch(/<MD5OfMessageBody>\w{32}</);
    const counted = (await query({ Action: 'GetQueueAttributes', 'AttributeName.1': 'All' }))[1];
    expect(counted).toContain('<Name>ApproximateNumberOfMessagesDelayed</Name><Value>1</Value>');
    sqs.clock.ms += 5000;
    const [status, xml] = await query({
      Action: 'ReceiveMessage',
      'AttributeName.1': 'All',
      'MessageAttributeName.1': 'All',
    });
    expect(status).toBe(200);
    expect(xml).toContain('<Body>&#60;é&#38;&#62;</Body>');
    expect(xml).toContain('<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>');
    expect(xml).toContain('<Attribute><Name>MessageGroupId</Name><Value>backend-7</Value></Attribute>');
    const attribute = (name: string, type: string, value: string) =>
      `<MessageAttribute><Name>${name}</Name><Value><DataType>${type}</DataType><StringValue>${value}</StringValue></Value></MessageAttribute>`;
    expect(xml).toContain(attribute('code', 'String', '&#60;X&#62;'));
    expect(xml).toContain(attribute('__proto__', 'Number', '7'));
  });

  it('takes batches, and says of each entry what became of it', async () => {
    const [, xml] = await query({
      Action: 'SendMessageBatch',
      'SendMessageBatchRequestEntry.1.Id': 'good',
      'SendMessageBatchRequestEntry.1.MessageBody': 'a',
      'SendMessageBatchRequestEntry.1.MessageAttribute.1.Name': 'code',
      'SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType': 'String',
      'SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue': 'X',
      'SendMessageBatchRequestEntry.2.Id': 'bad',
      'SendMessageBatchRequestEntry.2.MessageBody': 'b',
      'SendMessageBatchRequestEntry.2.DelaySeconds': '901',
    });
    expect(xml).toMatch(/<SendMessageBatchResultEntry><Id>good<\/Id>.*<\/SendMessageBatchResultEntry>/);
    expect(xml).toMatch(/<BatchResultErrorEntry><Id>bad<\/Id><Code>InvalidParameterValue<.*<\/BatchResultErrorEntry>/);
    const [message] = sqs.queue.receive(10);
    expect(message?.attributes).toEqual({ code: { DataType: 'String', StringValue: 'X' } });
    const handle = message?.receiptHandle ?? '';
    const [, changed] = await query({
      Action: 'ChangeMessageVisibilityBatch',
      'ChangeMessageVisibilityBatchRequestEntry.1.Id': 'one',
      'ChangeMessageVisibilityBatchRequestEntry.1.ReceiptHandle': handle,
      'ChangeMessageVisibilityBatchRequestEntry.1.VisibilityTimeout': '0',
    });
    expect(changed).toContain(
      '<ChangeMessageVisibilityBatchResultEntry><Id>one</Id></ChangeMessageVisibilityBatchResultEntry>',
    );
    expect(sqs.queue.counts).toMatchObject({ ready: 1, hidden: 0 });
  });

  it('changes how long a message is hidden', async () => {
    sqs.queue.send('a');
    const ReceiptHandle = sqs.queue.receive(1)[0]?.receiptHandle ?? '';
    const change = (VisibilityTimeout: string) =>
      query({ Action: 'ChangeMessageVisibility', ReceiptHandle, VisibilityTimeout });
    expect((await change('43201'))[0]).toBe(400);
    expect((await change('0'))[0]).toBe(200);
    expect(sqs.queue.counts).toMatchObject({ ready: 1, hidden: 0 });
    expect((await change('0'))[1]).toContain('<Code>AWS.SimpleQueueService.MessageNotInflight</Code>');
  });

  it('hides what it hands out for as long as the receiver says', async () => {
    sqs.queue.send('a');
    expect((await query({ Action: 'ReceiveMessage', VisibilityTimeout: '0' }))[1]).toContain('<Body>a</Body>');
    expect(sqs.queue.counts).toMatchObject({ ready: 1, hidden: 0 });
    await query({ Action: 'ReceiveMessage', VisibilityTimeout: '600' });
    sqs.clock.ms += 599_000;
    expect(sqs.queue.counts).toMatchObject({ ready: 0, hidden: 1 });
    sqs.clock.ms += 1000;
    expect(sqs.queue.counts).toMatchObject({ ready: 1, hidden: 0 });
  });

  it('deletes all messages of a queue that is purged', async () => {
    for (const body of ['a', 'b', 'c']) sqs.queue.send(body);
    sqs.queue.send('d', {}, { delaySeconds: 60 });
    sqs.queue.receive(1);
    expect((await query({ Action: 'PurgeQueue' }))[0]).toBe(200);
    expect(sqs.queue.bodies()).toEqual([]);
  });

  it('moves messages from nothing but a dead-letter queue of another queue', async () => {
    sqs.queue.send('a');
    const move = { Action: 'StartMessageMoveTask', SourceArn: sqs.queue.arn, DestinationArn: sqs.queue.arn };
    expect((await query(move))[1]).toContain('Source queue must be configured as a Dead Letter Queue.');
    expect(sqs.queue.bodies()).toEqual(['a']);
  });

  it.each([
    [
      'no queue',
      { Action: 'SendMessage', QueueUrl: 'x/none', MessageBody: 'a' },
      'AWS.SimpleQueueService.NonExistentQueue',
    ],
    ['no operation', { Action: 'Nonsense' }, 'InvalidAction'],
    ['no entries', { Action: 'SendMessageBatch' }, 'AWS.SimpleQueueService.EmptyBatchRequest'],
    [
      'a delay that is no number',
      { Action: 'SendMessage', MessageBody: 'a', DelaySeconds: 'x' },
      'InvalidParameterValue',
    ],
    [
      'an attribute without a value',
      { Action: 'SendMessage', MessageBody: 'a', 'MessageAttribute.1.Name': 'a' },
      'InvalidParameterValue',
    ],
    [
      'an attribute that is a text',
      { Action: 'SendMessage', MessageBody: 'a', 'MessageAttribute.1.Name': 'a', 'MessageAttribute.1.Value': 'x' },
      'InvalidParameterValue',
    ],
  ])('refuses %s', async (_, form, code) => {
    const [status, xml] = await query(form);
    expect(status).toBe(400);
    expect(xml).toContain(`<Code>${code}</Code>`);
    expect(sqs.queue.bodies()).toEqual([]);
  });
});
