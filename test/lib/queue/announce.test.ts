import { describe, expect, it, vi } from 'vitest';
import type { Send } from '../../../lib/aws/sqs.ts';
import { JoinError } from '../../../lib/errors.ts';
import { createJoinBatch } from '../../../lib/queue/batch.ts';
import type { Announce } from '../../../lib/queue/events.ts';
import { HalfSent } from '../../../lib/queue/half-sent.ts';
import type { QueueMessage } from '../../../lib/queue/message.ts';
import { Pacer } from '../../../lib/queue/pacer.ts';
import { RongCloudClient } from '../../../lib/rongcloud/client.ts';
import type { Transport } from '../../../lib/rongcloud/transport.ts';
import { BatchLine } from '../../../lib/telemetry/batch-line.ts';
import { silent } from '../../../tools/sim/silent-telemetry.ts';
import { clockOf } from '../../helpers/clock-of.ts';

const message = (messageId: string, groupId: string, userIds: string[], more = {}): QueueMessage => {
  return {
    messageId,
    body: JSON.stringify({ groupId, userIds, ...more }),
    sentAt: 0,
    receiptHandle: '',
    receiveCount: 1,
  };
};
const takesAll: Send = async (messages) => ({ ends: messages.map(() => 'taken' as const) });

/** RongCloud refuses ghosts, and does not answer in the group "down". */
const transport: Transport = {
  async post({ body }) {
    const pairs = new URLSearchParams(body);
    if (pairs.getAll('userId').includes('ghost')) return new JoinError('UPSTREAM_REJECTED');
    if (pairs.get('groupId') === 'down') return new JoinError('UPSTREAM_TIMEOUT');
    return { status: 200, body: '{"code":200}', complete: true };
  },
  close: () => {},
};

function run(messages: QueueMessage[], announce: Announce | undefined, onLostEvents = (): void => {}, send = takesAll) {
  const clock = clockOf(() => 0);
  const sleep = async () => undefined;
  const client = new RongCloudClient({
    urls: ['https://im.invalid'],
    transport,
    credentials: { get: () => ({ appKey: 'key', appSecret: 's' }), replace: async () => undefined },
    clock,
    sleep,
    random: () => 0,
    randomUUID: () => '0'.repeat(36),
  });
  const line = new BatchLine({ ...silent, lostEvents: onLostEvents }, clock, 'aws-1');
  const pacer = new Pacer({ ratePerSecond: 100, clock, sleep });
  const joinBatch = createJoinBatch({
    ...{
      client,
      pacer,
      announce,
      halfSent: new HalfSent(clock),
      sendDeadLetters: send,
      sendBack: send,
      bringBackSoon: async () => {},
      random: () => 0.5,
    },
  });
  return joinBatch(messages, { deadline: 50_000, line });
}

const messages = [
  message('m1', 'a', ['u1', 'ghost'], { requestId: 'r-1' }),
  message('m2', 'a', ['u2']),
  message('m3', 'down', ['u1', 'u2'], { requestId: 'r-3' }),
  { messageId: 'm4', body: 'nonsense', sentAt: 0, receiptHandle: '', receiveCount: 1 },
];

describe('what a batch tells', () => {
  it('is one entry for each valid message, by group', async () => {
    const announce = vi.fn<Announce>(async () => undefined);
    const { groups } = await run(messages, announce);
    expect(announce.mock.calls).toEqual([
      [
        [
          {
            groupId: 'a',
            results: [
              { requestId: 'r-1', joined: 1, refused: 1, undecided: 0, code: 'UPSTREAM_REJECTED' },
              { requestId: 'm2', joined: 1, refused: 0, undecided: 0 },
            ],
          },
          { groupId: 'down', results: [{ requestId: 'r-3', joined: 0, refused: 0, undecided: 2 }] },
        ],
      ],
    ]);
    expect(groups).toEqual(announce.mock.calls[0]?.[0]);
  });

  it('goes out beside the messages to the queues, which do not wait for it', async () => {
    let told = (): void => {};
    const isTold = new Promise<void>((resolve) => {
      told = resolve;
    });
    const announce: Announce = async () => {
      told();
      return undefined;
    };
    // Nothing is sent before the events are on their way.
    const slow: Send = async (some) => {
      await isTold;
      return takesAll(some);
    };
    expect((await run(messages, announce, undefined, slow)).deadLettered).toHaveLength(2);
  });

  it('holds nothing back when it is lost', async () => {
    const lost = { events: 2, lost: 2, cause: new Error('no such bus') };
    const onLostEvents = vi.fn();
    const report = await run(messages, async () => lost, onLostEvents);
    const { cause, ...counts } = lost;
    expect(onLostEvents.mock.calls).toEqual([[{ requestId: 'aws-1', lambdaRequestId: 'aws-1', ...counts }, cause]]);
    expect(report).toEqual(await run(messages, undefined));
    expect(report).toMatchObject({ retained: ['m3'], done: 1 });
  });
});
