import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalSqs, startLocalSqs } from '../../../helpers/local-sqs.ts';

let sqs: LocalSqs;
beforeEach(async () => {
  sqs = await startLocalSqs();
});
afterEach(() => sqs.close());

type Input = Record<string, unknown>;
const ENTRIES: Readonly<Record<string, string>> = {
  SendMessageBatch: 'SendMessageBatchRequestEntry',
  DeleteMessageBatch: 'DeleteMessageBatchRequestEntry',
  ChangeMessageVisibilityBatch: 'ChangeMessageVisibilityBatchRequestEntry',
};

/** The same input in the query protocol, where a list is flattened. */
function toForm(action: string, input: Input): URLSearchParams {
  const form = new URLSearchParams({ Action: action, Version: '2012-11-05' });
  for (const [name, value] of Object.entries(input)) {
    if (!Array.isArray(value)) form.set(name, String(value));
    for (const [i, entry] of Array.isArray(value) ? value.entries() : []) {
      if (typeof entry === 'string') form.set(`${name.replace(/s$/, '')}.${i + 1}`, entry);
      else
        for (const [key, member] of Object.entries(entry))
          form.set(`${ENTRIES[action]}.${i + 1}.${key}`, String(member));
    }
  }
  return form;
}

async function refusals(action: string, input: Input) {
  const headers = { 'X-Amz-Target': `AmazonSQS.${action}`, 'Content-Type': 'application/x-amz-json-1.0' };
  const json = await fetch(sqs.aws.url, { method: 'POST', headers, body: JSON.stringify(input) });
  const xml = await fetch(sqs.aws.url, { method: 'POST', body: toForm(action, input) });
  return {
    statuses: [json.status, xml.status],
    json: JSON.parse(await json.text()).__type,
    header: json.headers.get('x-amzn-query-error'),
    query: /<Code>(.*)<\/Code>/.exec(await xml.text())?.[1],
  };
}

const many = (count: number, entry: Input) => Array.from({ length: count }, (_, i) => ({ Id: `e${i}`, ...entry }));
const body = { MessageBody: 'a' };
const NAMESPACE = 'AWS.SimpleQueueService.';

describe('an error of the stand-in SQS', () => {
  it.each<[string, string, Input, string, string?]>([
    [
      'a queue that is not there',
      'GetQueueUrl',
      { QueueName: 'x' },
      'QueueDoesNotExist',
      `${NAMESPACE}NonExistentQueue`,
    ],
    ['a junk handle', 'DeleteMessage', { ReceiptHandle: 'junk' }, 'ReceiptHandleIsInvalid'],
    [
      'a junk handle to hide by',
      'ChangeMessageVisibility',
      { ReceiptHandle: 'junk', VisibilityTimeout: 1 },
      'ReceiptHandleIsInvalid',
    ],
    [
      'entries of one id',
      'SendMessageBatch',
      { Entries: many(2, { ...body, Id: 'x' }) },
      'BatchEntryIdsNotDistinct',
      `${NAMESPACE}BatchEntryIdsNotDistinct`,
    ],
    [
      'an id with a space',
      'SendMessageBatch',
      { Entries: many(1, { ...body, Id: 'a b' }) },
      'InvalidBatchEntryId',
      `${NAMESPACE}InvalidBatchEntryId`,
    ],
    [
      'an id of 81 characters',
      'SendMessageBatch',
      { Entries: many(1, { ...body, Id: 'x'.repeat(81) }) },
      'InvalidBatchEntryId',
      `${NAMESPACE}InvalidBatchEntryId`,
    ],
    ...Object.keys(ENTRIES).map((action): [string, string, Input, string, string] => [
      `11 entries of ${action}`,
      action,
      { Entries: many(11, { ...body, ReceiptHandle: 'x', VisibilityTimeout: 0 }) },
      'TooManyEntriesInBatchRequest',
      `${NAMESPACE}TooManyEntriesInBatchRequest`,
    ]),
    ['no entries', 'DeleteMessageBatch', {}, 'EmptyBatchRequest', `${NAMESPACE}EmptyBatchRequest`],
    [
      'a batch over 1 MiB',
      'SendMessageBatch',
      { Entries: many(2, { MessageBody: 'x'.repeat(600_000) }) },
      'BatchRequestTooLong',
      `${NAMESPACE}BatchRequestTooLong`,
    ],
    ['a wait of 21 s', 'ReceiveMessage', { WaitTimeSeconds: 21 }, 'InvalidParameterValue'],
    ['a wait of -1 s', 'ReceiveMessage', { WaitTimeSeconds: -1 }, 'InvalidParameterValue'],
    ['no messages', 'ReceiveMessage', { MaxNumberOfMessages: 0 }, 'InvalidParameterValue'],
    ['11 messages', 'ReceiveMessage', { MaxNumberOfMessages: 11 }, 'InvalidParameterValue'],
    ['a visibility of 43201 s', 'ReceiveMessage', { VisibilityTimeout: 43_201 }, 'InvalidParameterValue'],
    ['a delay of 901 s', 'SendMessage', { ...body, DelaySeconds: 901 }, 'InvalidParameterValue'],
    ['an unknown attribute', 'GetQueueAttributes', { AttributeNames: ['Colour'] }, 'InvalidAttributeName'],
    ['another source', 'StartMessageMoveTask', { SourceArn: 'arn:x' }, 'ResourceNotFoundException'],
    ['an unknown operation', 'Nonsense', {}, 'UnknownOperationException', 'InvalidAction'],
  ])('has the code of AWS in both protocols: %s', async (_, action, input, code, queryCode = code) => {
    const { QueueUrl } = sqs;
    expect(await refusals(action, { QueueUrl, ...input })).toEqual({
      statuses: [400, 400],
      json: code,
      header: `${queryCode};Sender`,
      query: queryCode,
    });
    expect(sqs.queue.bodies()).toEqual([]);
  });

  it('tells a handle of another queue from one that is no longer in flight', async () => {
    const { QueueUrl, queue, dead } = sqs;
    queue.send('a');
    const ReceiptHandle = queue.receive(1)[0]?.receiptHandle ?? '';
    queue.delete(ReceiptHandle);
    const hide = (input: Input) => refusals('ChangeMessageVisibility', { QueueUrl, VisibilityTimeout: 1, ...input });
    expect(await hide({ ReceiptHandle })).toMatchObject({ json: 'MessageNotInflight' });
    dead.send('b');
    expect(await hide({ ReceiptHandle: dead.receive(1)[0]?.receiptHandle })).toMatchObject({
      json: 'ReceiptHandleIsInvalid',
    });
  });
});
