import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type ReceiveMessageCommandInput } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { receive as receiveFrom } from '../../../../sandbox/aws/sqs/receive.ts';
import { createSimulatedTime } from '../../../../tools/sim/simulated-time.ts';
import { type LocalSqs, startLocalSqs } from '../../../helpers/local-sqs.ts';

let sqs: LocalSqs;
beforeEach(async () => {
  sqs = await startLocalSqs();
});
afterEach(() => sqs.close());

const receive = async (input: Partial<ReceiveMessageCommandInput> = {}, abortSignal?: AbortSignal) => {
  const command = new ReceiveMessageCommand({ QueueUrl: sqs.QueueUrl, ...input });
  const { Messages = [] } = await sqs.client.send(command, abortSignal ? { abortSignal } : {});
  return Messages;
};
/** What a receiver gets that waits so long at most, and after how many milliseconds. */
async function waited(WaitTimeSeconds: number): Promise<[output: object, ms: number]> {
  const time = createSimulatedTime(0);
  const output = await time.run(receiveFrom(sqs.queue, { WaitTimeSeconds }, new AbortController().signal, time));
  return [output, time.now()];
}
const TEXT = { DataType: 'String', StringValue: 'x' };

describe('waiting for messages', () => {
  it('answers at once without a wait, with nothing', async () => {
    expect(await receive()).toEqual([]);
    expect(await receive({ WaitTimeSeconds: 0 })).toEqual([]);
  });

  it('gives a message that is there without waiting', async () => {
    sqs.queue.send('a');
    expect(await receive({ WaitTimeSeconds: 20 })).toMatchObject([{ Body: 'a' }]);
    sqs.queue.send('b');
    expect(await waited(20)).toMatchObject([{ Messages: [{ Body: 'b' }] }, 0]);
  });

  it('gives one that is sent, or shown again, while somebody waits', async () => {
    const waiting = receive({ WaitTimeSeconds: 20, VisibilityTimeout: 0 });
    await sleep(100);
    sqs.queue.send('a');
    expect(await waiting).toMatchObject([{ Body: 'a' }]);
    sqs.queue.receive(1);
    const again = receive({ WaitTimeSeconds: 20 });
    await sleep(100);
    sqs.clock.ms += 1000;
    expect(await again).toMatchObject([{ Body: 'a' }]);
  });

  it('ends with nothing when the time is up', async () => {
    expect(await waited(0)).toEqual([{}, 0]);
    expect(await waited(1)).toEqual([{}, 1000]);
    expect(await waited(20)).toEqual([{}, 20_000]);
  });

  it('hands nothing to a receiver that has gone away', async () => {
    const abort = new AbortController();
    const gone = receive({ WaitTimeSeconds: 20 }, abort.signal);
    await sleep(100);
    abort.abort();
    await expect(gone).rejects.toMatchObject({ name: 'AbortError' });
    await sleep(100);
    sqs.queue.send('a');
    await sleep(100);
    expect(sqs.queue.counts).toMatchObject({ ready: 1, hidden: 0 });
  });

  it('ends when the stand-in is closed', async () => {
    const waiting = receive({ WaitTimeSeconds: 20 });
    const ended = expect(waiting).rejects.toThrow();
    await sleep(100);
    await sqs.aws.close();
    await ended;
  });
});

describe('what is received', () => {
  it('has the attributes that are asked for alone', async () => {
    const names = async (input: Partial<ReceiveMessageCommandInput>) => {
      sqs.queue.purge();
      sqs.queue.send('a', { code: TEXT, 'cause.first': TEXT, 'cause.last': TEXT }, { groupId: 'backend-7' });
      const [message] = await receive(input);
      return [message?.Attributes ?? {}, message?.MessageAttributes ?? {}].map((one) => Object.keys(one).sort());
    };
    const all = [
      ['ApproximateFirstReceiveTimestamp', 'ApproximateReceiveCount', 'MessageGroupId', 'SenderId', 'SentTimestamp'],
      ['cause.first', 'cause.last', 'code'],
    ];
    expect(await names({})).toEqual([[], []]);
    expect(await names({ MessageSystemAttributeNames: ['All'], MessageAttributeNames: ['All'] })).toEqual(all);
    expect(await names({ AttributeNames: ['All'], MessageAttributeNames: ['.*'] })).toEqual(all);
    expect(
      await names({ MessageSystemAttributeNames: ['MessageGroupId'], MessageAttributeNames: ['cause.*'] }),
    ).toEqual([['MessageGroupId'], ['cause.first', 'cause.last']]);
    expect(await names({ MessageAttributeNames: ['code', 'none'] })).toEqual([[], ['code']]);
  });

  it('has the MD5 of these attributes', async () => {
    sqs.queue.send('a', {
      code: { DataType: 'String', StringValue: 'X' },
      bytes: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255]).toString('base64') },
    });
    // What three other emulators of SQS say: fauxqs 2.4.1, local-aws-sqs 2.0.2 and moto 5.2.1.
    expect(await receive({ MessageAttributeNames: ['All'], VisibilityTimeout: 0 })).toMatchObject([
      { MD5OfMessageAttributes: '4a3ad542fd3733450fc3b723eeec4c9c' },
    ]);
    expect((await receive({ VisibilityTimeout: 0 }))[0]?.MD5OfMessageAttributes).toBeUndefined();
  });

  it('is deleted in a batch, each by itself', async () => {
    for (const body of ['a', 'b']) sqs.queue.send(body);
    const [first, second] = await receive({ MaxNumberOfMessages: 10 });
    const Entries = [first?.ReceiptHandle, 'junk', second?.ReceiptHandle].map((ReceiptHandle, i) => ({
      ...{ Id: `e${i}`, ReceiptHandle },
    }));
    const { QueueUrl } = sqs;
    expect(await sqs.client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))).toMatchObject({
      Successful: [{ Id: 'e0' }, { Id: 'e2' }],
      Failed: [{ Id: 'e1', Code: 'ReceiptHandleIsInvalid', SenderFault: true }],
    });
    expect(sqs.queue.bodies()).toEqual([]);
  });
});
