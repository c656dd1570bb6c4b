import { describe, expect, it } from 'vitest';
import { HalfSent } from '../../../lib/queue/half-sent.ts';
import type { RefusedPart } from '../../../lib/queue/message.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { people, queued } from '../../helpers/queued-joins.ts';

const HOUR = 3_600_000;
const letter = (...userIds: string[]): RefusedPart => ({
  request: { groupId: 'g', userIds },
  code: 'UPSTREAM_REJECTED',
  failedCount: userIds.length,
});

function setUp() {
  const clock = { ms: 10 * HOUR };
  return { clock, letters: new HalfSent(clockOf(() => clock.ms)) };
}

describe('HalfSent', () => {
  it('leaves of a message those who have no letter, and nothing of one whose users all have', () => {
    const { letters } = setUp();
    const message = queued(['a', 'b', 'c'], { groupName: 'N' });
    expect(letters.leftOf(message)).toBe(message);
    letters.taken(message, letter('a'));
    letters.taken(message, letter('c'));
    expect(letters.leftOf(message)).toEqual({ ...message, request: { groupId: 'g', userIds: ['b'], groupName: 'N' } });
    letters.taken(message, { ...letter('b'), failedCount: 0 });
    expect(letters.leftOf(message)?.request).toEqual({ groupId: 'g', userIds: ['b'] });
    letters.taken(message, letter('b'));
    expect(letters.leftOf(message)).toBeUndefined();
    expect(letters.leftOf(queued(['a']))?.request.userIds).toEqual(['a']);
    const other = { ...message, request: { ...message.request, groupId: 'h' } };
    expect(letters.leftOf(other)).toBe(other);
  });

  it('forgets an hour after the last letter of a message', () => {
    const { clock, letters } = setUp();
    const message = queued(['a', 'b']);
    letters.taken(message, letter('a'));
    letters.unanswered(message);
    clock.ms += HOUR - 1;
    expect(letters.leftOf(message)?.request.userIds).toEqual(['b']);
    expect(letters.maySplit(message)).toBe(false);
    clock.ms += 1;
    expect(letters.leftOf(message)).toBe(message);
    expect(letters.maySplit(message)).toBe(true);
  });

  it('remembers 100 000 letters at the most, and forgets the oldest', () => {
    const { letters } = setUp();
    const messages = Array.from({ length: 52 }, () => queued(people(2000)));
    for (const message of messages) letters.taken(message, letter(...people(1999)));
    expect(messages.map((message) => letters.leftOf(message)?.request.userIds.length)).toEqual([
      ...Array(messages.length - 51).fill(2000),
      ...Array(51).fill(1),
    ]);
  });

  it('remembers 10 000 messages at the most, and forgets the oldest', () => {
    const { letters } = setUp();
    const messages = Array.from({ length: 10_001 }, () => queued(['a']));
    for (const message of messages) letters.unanswered(message);
    expect(messages.filter((message) => letters.maySplit(message))).toEqual([messages[0]]);
  });

  it('counts a message with many letters once, and lets it be split', () => {
    const { letters } = setUp();
    const [first, often] = [queued(people(2000)), queued(people(2000))];
    letters.taken(first, letter(...people(1999)));
    for (let i = 0; i < 60; i++) letters.taken(often, letter(...people(1999)));
    expect(letters.leftOf(first)?.request).toEqual({ groupId: 'g', userIds: ['u1999'] });
    for (let i = 0; i < 50; i++) letters.taken(queued(people(2000)), letter(...people(1999)));
    expect(letters.leftOf(first)).toBe(first);
    expect(letters.leftOf(often)?.request.userIds).toEqual(['u1999']);
    expect(letters.maySplit(often)).toBe(true);
  });
});
