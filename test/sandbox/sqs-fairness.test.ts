import { describe, expect, it } from 'vitest';
import { SqsQueue } from '../../sandbox/sqs-queue.ts';

const createQueue = () => new SqsQueue({ name: 'joins', visibilityTimeoutMs: 1000, now: () => 0 });
const sendMany = (queue: SqsQueue, count: number, groupId?: string) => {
  for (let i = 0; i < count; i++) queue.send(groupId ?? `lone-${i}`, {}, { groupId });
};
const receive = (queue: SqsQueue, count: number) => queue.receive(count).map(({ body }) => body);

describe('a fair queue', () => {
  it('gives messages of quiet senders before those of one that has many in flight', () => {
    const queue = createQueue();
    sendMany(queue, 1000, 'flood');
    expect(receive(queue, 30)).toEqual(Array(30).fill('flood'));
    sendMany(queue, 3, 'quiet');
    sendMany(queue, 2);
    expect(receive(queue, 7)).toEqual(['quiet', 'quiet', 'quiet', 'lone-0', 'lone-1', 'flood', 'flood']);
  });

  it('keeps to the order of arrival until a sender has 30 in flight', () => {
    const queue = createQueue();
    sendMany(queue, 1000, 'flood');
    sendMany(queue, 1, 'quiet');
    expect(receive(queue, 29)).toEqual(Array(29).fill('flood'));
    expect(receive(queue, 2)).toEqual(['flood', 'quiet']);
  });

  it('takes nobody for noisy who has a tenth of what is in flight or less', () => {
    const queue = createQueue();
    sendMany(queue, 270);
    sendMany(queue, 40, 'steady');
    sendMany(queue, 1, 'late');
    // 30 of 300 are a tenth.
    expect(receive(queue, 300)).not.toContain('late');
    expect(receive(queue, 2)).toEqual(['steady', 'late']);
  });

  it('takes messages without a group id for a sender each, however many they are', () => {
    const queue = createQueue();
    sendMany(queue, 1000);
    sendMany(queue, 1, 'quiet');
    expect(receive(queue, 1000)).not.toContain('quiet');
    expect(receive(queue, 1)).toEqual(['quiet']);
  });

  it('shares between noisy senders: the one with the fewest in flight is next', () => {
    const queue = createQueue();
    sendMany(queue, 100, 'first');
    sendMany(queue, 100, 'second');
    receive(queue, 60);
    const next = receive(queue, 20);
    expect(next.filter((body) => body === 'first')).toHaveLength(10);
  });

  it('holds a noisy sender back no longer than others wait, and forgets it once its messages are done', () => {
    const queue = createQueue();
    sendMany(queue, 60, 'flood');
    const out = queue.receive(40);
    for (const { receiptHandle } of out) queue.delete(receiptHandle);
    sendMany(queue, 1, 'quiet');
    expect(receive(queue, 21)).toEqual([...Array(20).fill('flood'), 'quiet']);
    sendMany(queue, 5, 'flood');
    expect(receive(queue, 5)).toEqual(Array(5).fill('flood'));
  });
});
