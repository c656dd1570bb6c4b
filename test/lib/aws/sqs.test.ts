import { SendMessageBatchCommand, type SendMessageBatchCommandOutput, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it, vi } from 'vitest';
import { createSend, MAX_BYTES, sizeOf } from '../../../lib/aws/sqs.ts';
import { createEnqueue, messageBody } from '../../../lib/queue/message.ts';

const QUEUE_URL = 'https://sqs.example/1/joins';

type Answer = Pick<SendMessageBatchCommandOutput, 'Successful' | 'Failed'> | Error | undefined;
type Entries = SendMessageBatchCommand['input']['Entries'];

/** A sender over an SQS that answers like this; takes all by default. */
function setUp(answer: (entries: Entries, ordinal: number) => Answer | Promise<Answer> = () => undefined) {
  const client = new SQSClient({ region: 'us-east-1' });
  const requests: NonNullable<Entries>[] = [];
  const signals: unknown[] = [];
  vi.spyOn(client, 'send').mockImplementation(async (command: unknown, options: unknown) => {
    if (!(command instanceof SendMessageBatchCommand)) throw new Error('another command');
    expect(command.input.QueueUrl).toBe(QUEUE_URL);
    const entries = command.input.Entries ?? [];
    requests.push(entries);
    signals.push(options);
    const given = await answer(entries, requests.length);
    if (given instanceof Error) throw given;
    return given ?? { Successful: entries.map(({ Id }) => ({ Id, MessageId: 'm', MD5OfMessageBody: '' })) };
  });
  const never = new AbortController().signal;
  const timeout = vi.fn(() => never);
  return { send: createSend(client, QUEUE_URL, timeout), requests, signals, timeout, never, client };
}

const messages = (count: number, body = (i: number) => `body ${i}`) =>
  Array.from({ length: count }, (_, i) => ({ body: body(i) }));
const failed = (Id: string | undefined) => ({ Id, Code: 'InternalError', SenderFault: false });

describe('a request', () => {
  it('holds at most ten messages', async () => {
    const { send, requests } = setUp();
    expect(await send(messages(21))).toEqual({ ends: Array(21).fill('taken'), error: undefined });
    expect(requests.map(({ length }) => length)).toEqual([10, 10, 1]);
    expect(requests.flat().map(({ Id, MessageBody }) => [Id, MessageBody])).toEqual(
      Array.from({ length: 21 }, (_, i) => [String(i), `body ${i}`]),
    );
  });

  it('says all of a message that SQS asks for', async () => {
    const { send, requests } = setUp();
    const attributes = { code: 'GROUP_FULL', failedCount: 2 };
    await send([{ body: 'a', attributes, delaySeconds: 7, senderGroup: 'app' }, { body: 'b' }]);
    expect(requests).toEqual([
      [
        {
          Id: '0',
          MessageBody: 'a',
          MessageAttributes: {
            code: { DataType: 'String', StringValue: 'GROUP_FULL' },
            failedCount: { DataType: 'Number', StringValue: '2' },
          },
          DelaySeconds: 7,
          MessageGroupId: 'app',
        },
        { Id: '1', MessageBody: 'b', MessageAttributes: {}, DelaySeconds: undefined, MessageGroupId: undefined },
      ],
    ]);
  });

  it('holds at most 1 MiB, in the bytes that SQS counts', async () => {
    const half = MAX_BYTES / 2;
    const { send, requests } = setUp();
    await send(messages(2, () => 'x'.repeat(half)));
    expect(requests.map(({ length }) => length)).toEqual([2]);
    await send([{ body: 'x'.repeat(half) }, { body: 'é'.repeat(half / 2) }, { body: 'x' }, { body: 'y' }]);
    expect(requests.slice(1).map(({ length }) => length)).toEqual([2, 2]);
    const attributes = { code: 'X' };
    await send(messages(2, () => 'x'.repeat(half - 5)).map((message) => ({ ...message, attributes })));
    expect(requests.slice(3).map(({ length }) => length)).toEqual([1, 1]);
  });

  it('holds a message alone that is too large for any', async () => {
    const { send, requests } = setUp();
    await send([{ body: 'a' }, { body: 'x'.repeat(MAX_BYTES + 1) }, { body: 'b' }]);
    expect(requests.map((entries) => entries.map(({ Id }) => Id))).toEqual([['0'], ['1'], ['2']]);
  });

  it('is one of eight at a time', async () => {
    const waiting: (() => void)[] = [];
    const { send, requests } = setUp(() => new Promise((resolve) => waiting.push(() => resolve(undefined))));
    const sent = send(messages(95));
    await new Promise(setImmediate);
    expect(requests).toHaveLength(8);
    waiting.shift()?.();
    await new Promise(setImmediate);
    expect(requests).toHaveLength(9);
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      next();
      await new Promise(setImmediate);
    }
    expect((await sent).ends).toEqual(Array(95).fill('taken'));
  });

  it('is not made for no message', async () => {
    const { send, requests } = setUp();
    expect(await send([])).toEqual({ ends: [], error: undefined });
    expect(requests).toEqual([]);
  });
});

describe('sizeOf', () => {
  it('counts the body in bytes, and the names, types and values of attributes', () => {
    expect(sizeOf({ body: 'é😀' })).toBe(6);
    expect(sizeOf({ body: '', attributes: { code: 'é' } })).toBe('code'.length + 'String'.length + 2);
    expect(sizeOf({ body: 'a', attributes: { failedCount: 12 } })).toBe(1 + 'failedCount'.length + 'Number'.length + 2);
  });
});

describe('what SQS does not take', () => {
  it('is told message by message, with the reason of one', async () => {
    const { send } = setUp((entries = []) => ({
      Successful: entries.slice(0, 1).map(({ Id }) => ({ Id, MessageId: 'm', MD5OfMessageBody: '' })),
      Failed: entries.slice(1).map(({ Id }) => failed(Id)),
    }));
    const { ends, error } = await send(messages(13));
    expect(ends.flatMap((end, i) => (end === 'taken' ? [i] : []))).toEqual([0, 10]);
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not_sent' });
    expect(String(error?.cause)).toMatch(/^Error: SQS refused [29] messages: InternalError$/);
  });

  it('is all of a request that fails, and nothing of the others', async () => {
    const cause = new Error('down');
    const { send } = setUp((_entries, ordinal) => (ordinal === 1 ? cause : undefined));
    const { ends, error } = await send(messages(15));
    expect(ends).toEqual([...Array(10).fill('unanswered'), ...Array(5).fill('taken')]);
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', cause });
  });

  it('may have been taken only if it was sent before the time was up', async () => {
    const over = new AbortController();
    const { client } = setUp(async () => {
      await new Promise(setImmediate);
      over.abort();
      return new Error('aborted');
    });
    const { ends } = await createSend(client, QUEUE_URL, () => over.signal)(messages(95));
    // Eight requests were under way.
    expect(ends).toEqual([...Array(80).fill('unanswered'), ...Array(15).fill('refused')]);
  });

  it('is all of an answer that names nothing', async () => {
    const { send } = setUp(() => ({ Successful: undefined, Failed: undefined }));
    expect(await send(messages(2))).toMatchObject({
      ends: ['unanswered', 'unanswered'],
      error: { code: 'QUEUE_UNAVAILABLE', cause: { message: 'SQS told not of all messages' } },
    });
  });
});

describe('the time limit', () => {
  it('is one for all requests', async () => {
    const { send, signals, timeout, never } = setUp();
    await send(messages(25));
    expect(timeout.mock.calls).toEqual([[4000]]);
    expect(signals).toEqual(Array(3).fill({ abortSignal: never }));
  });

  it("is the clock's own unless another is given", async () => {
    const { client, signals } = setUp();
    await createSend(client, QUEUE_URL)(messages(1));
    expect(signals).toEqual([{ abortSignal: expect.any(AbortSignal) }]);
  });
});

describe('messageBody', () => {
  it('is JSON, with escapes for what SQS can not carry', () => {
    const request = { groupId: 'g\ufffe', userIds: ['\uffff', 'a\u{1ffff}', '用户'], groupName: '\ufffd' };
    const body = messageBody(request, 'r-1');
    expect(body).toContain('g\\ufffe');
    expect(body).toContain('"\\uffff"');
    expect(body).toContain('\ufffd');
    expect(body).not.toMatch(/[\ufffe\uffff]/);
    expect(JSON.parse(body)).toEqual({ ...request, requestId: 'r-1' });
  });
});

describe('createEnqueue', () => {
  it('sends one message, and says why SQS did not take it', async () => {
    const { send, requests } = setUp((_entries, ordinal) => (ordinal === 1 ? undefined : new Error('down')));
    const enqueue = createEnqueue(send);
    expect(await enqueue({ groupId: 'g', userIds: ['a'] }, 'r-1')).toBeUndefined();
    expect(requests).toMatchObject([[{ MessageBody: '{"groupId":"g","userIds":["a"],"requestId":"r-1"}' }]]);
    expect(await enqueue({ groupId: 'g', userIds: ['a'] }, 'r-1')).toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
  });
});
