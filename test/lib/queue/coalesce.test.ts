import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coalesce, type QueuedJoin } from '../../../lib/queue/coalesce.ts';

let next = 0;
function queued(groupId: string, userIds: string[], sentAt = 0, groupName?: string): QueuedJoin {
  next += 1;
  const request = { groupId, userIds, ...(groupName !== undefined && { groupName }) };
  return { messageId: `m${next}`, requestId: `r${next}`, sentAt, request };
}

describe('coalesce', () => {
  it('merges by group, each user once, order kept', () => {
    const messages = [queued('g', ['b', 'a']), queued('h', ['x']), queued('g', ['a', 'c'])];
    expect(coalesce(messages)).toEqual([
      { groupId: 'g', userIds: ['b', 'a', 'c'], messages: [messages[0], messages[2]] },
      { groupId: 'h', userIds: ['x'], messages: [messages[1]] },
    ]);
  });

  it("takes the newest message's name, of those that give one", () => {
    const named = (...messages: QueuedJoin[]) => coalesce(messages)[0]?.groupName;
    expect(named(queued('g', ['a'], 5, 'New'), queued('g', ['b'], 3, 'Old'))).toBe('New');
    expect(named(queued('g', ['a'], 3, 'Old'), queued('g', ['b'], 5, 'New'))).toBe('New');
    expect(named(queued('g', ['a'], 3, 'Only'), queued('g', ['b'], 9))).toBe('Only');
    expect(named(queued('g', ['a'], 3))).toBeUndefined();
    expect(named(queued('g', ['a'], 5, 'First'), queued('g', ['b'], 5, 'Second'))).toBe('Second');
  });

  it('loses and invents nobody', () => {
    const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor');
    const message = fc.record({ groupId: name, userIds: fc.array(name, { minLength: 1 }) });
    fc.assert(
      fc.property(fc.array(message), (requests) => {
        const merged = coalesce(requests.map(({ groupId, userIds }) => queued(groupId, [...new Set(userIds)])));
        const pairs = (sets: readonly { groupId: string; userIds: readonly string[] }[]) =>
          new Set(sets.flatMap(({ groupId, userIds }) => userIds.map((userId) => `${groupId} ${userId}`)));
        expect(pairs(merged)).toEqual(pairs(requests));
        expect(merged.flatMap(({ userIds }) => userIds)).toHaveLength(pairs(requests).size);
        expect(merged.flatMap(({ messages }) => messages)).toHaveLength(requests.length);
      }),
    );
  });
});
