import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeByGroup } from '../../../lib/queue/merge.ts';
import type { QueuedJoin } from '../../../lib/queue/message.ts';
import { queued } from '../../helpers/queued-joins.ts';

describe('coalesce', () => {
  it('merges by group, each user once, order kept', () => {
    const messages = [queued(['b', 'a']), queued(['x'], { groupId: 'h' }), queued(['a', 'c'])];
    const merged = mergeByGroup(messages);
    expect(merged).toMatchObject([
      { groupId: 'g', messages: [messages[0], messages[2]], naming: [] },
      { groupId: 'h', messages: [messages[1]], naming: [] },
    ]);
    expect(merged.map(({ users }) => [...users.keys()])).toEqual([['b', 'a', 'c'], ['x']]);
  });

  it('knows in which messages a user stands', () => {
    const messages = [queued(['b', 'a']), queued(['a', 'c']), queued(['a'])];
    const [merged] = mergeByGroup(messages);
    const [first, second, third] = messages;
    expect(['a', 'b', 'c', 'd'].map((userId) => merged?.users.get(userId))).toEqual([
      [first, second, third],
      [first],
      [second],
      undefined,
    ]);
  });

  it('puts the messages that give a name in order, the newest first', () => {
    const names = (...messages: QueuedJoin[]) =>
      mergeByGroup(messages)[0]?.naming.map(({ request }) => request.groupName);
    const old = queued(['a'], { sentAt: 3, groupName: 'Old' });
    const middle = queued(['b'], { sentAt: 5, groupName: 'Middle' });
    const late = queued(['c'], { sentAt: 7, groupName: 'New' });
    expect(names(middle, old, late)).toEqual(['New', 'Middle', 'Old']);
    expect(names(late, queued(['d'], { sentAt: 9 }), old)).toEqual(['New', 'Old']);
    expect(names(queued(['d']))).toEqual([]);
  });

  it('loses and invents nobody', () => {
    const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor');
    const message = fc.record({ groupId: name, userIds: fc.array(name, { minLength: 1 }) });
    fc.assert(
      fc.property(fc.array(message), (requests) => {
        const groups = mergeByGroup(requests.map(({ groupId, userIds }) => queued([...new Set(userIds)], { groupId })));
        const merged = groups.map(({ groupId, users }) => ({ groupId, userIds: [...users.keys()] }));
        const pairs = (sets: readonly { groupId: string; userIds: readonly string[] }[]) =>
          new Set(sets.flatMap(({ groupId, userIds }) => userIds.map((userId) => `${groupId} ${userId}`)));
        expect(pairs(merged)).toEqual(pairs(requests));
        expect(merged.flatMap(({ userIds }) => userIds)).toHaveLength(pairs(requests).size);
        expect(groups.flatMap(({ messages }) => messages)).toHaveLength(requests.length);
      }),
    );
  });
});
