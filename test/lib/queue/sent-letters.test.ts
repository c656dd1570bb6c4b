import { describe, expect, it } from 'vitest';
import { SentLetters } from '../../../lib/queue/sent-letters.ts';
import type { RefusedPart } from '../../../lib/queue/verdict.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { people, queued } from '../../helpers/queued-joins.ts';

const HOUR = 3_600_000;
const letter = (...userIds: string[]): RefusedPart => ({
  request: { groupId: 'g', userIds },
  code: 'UPSTREAM_REJECTED',
  failedCount: userIds.length,
});

function setUp() {
  const clock = { ms: 0 };
  return { clock, letters: new SentLetters(clockOf(() => clock.ms)) };
}

describe('SentLetters', () => {
  it('leaves of a message those who have no letter, and nothing of one whose users all have', () => {
    const { letters } = setUp();
    const message = queued(['a', 'b', 'c'], { groupName: 'N' });
    expect(letters.leftOf(message)).toBe(message);
    letters.taken(message.messageId, letter('a'));
    letters.taken(message.messageId, letter('c'));
    expect(letters.leftOf(message)).toEqual({ ...message, request: { groupId: 'g', userIds: ['b'], groupName: 'N' } });
    letters.taken(message.messageId, { ...letter('b'), failedCount: 0 });
    expect(letters.leftOf(message)?.request).toEqual({ groupId: 'g', userIds: ['b'] });
    letters.taken(message.messageId, letter('b'));
    expect(letters.leftOf(message)).toBeUndefined();
    expect(letters.leftOf(queued(['a']))?.request.userIds).toEqual(['a']);
  });

  it('forgets an hour after the last letter of a message', () => {
    const { clock, letters } = setUp();
    const message = queued(['a', 'b']);
    letters.taken(message.messageId, letter('a'));
    letters.unanswered(message.messageId);
    clock.ms = HOUR - 1;
    expect(letters.leftOf(message)?.request.userIds).toEqual(['b']);
    expect(letters.maySplit(message.messageId)).toBe(false);
    clock.ms = HOUR;
    expect(letters.leftOf(message)).toBe(message);
    expect(letters.maySplit(message.messageId)).toBe(true);
  });

  it('remembers 100 000 letters at the most, and forgets the oldest', () => {
    const { letters } = setUp();
    const messages = Array.from({ length: 51 }, () => queued(people(2000)));
    for (const { messageId } of messages) letters.taken(messageId, letter(...people(1999)));
    expect(messages.map((message) => letters.leftOf(message)?.request.userIds.length)).toEqual([
      ...Array(messages.length - 50).fill(2000),
      ...Array(50).fill(1),
    ]);
  });
});
