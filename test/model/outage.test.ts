import { expect, it } from 'vitest';
import { brokenPromises } from '../helpers/queue-model/checks.ts';
import type { ImTrouble } from '../helpers/queue-model/im.ts';
import { createWorld, START } from '../helpers/queue-model/world.ts';

const HOUR_MS = 3_600_000;
const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

it.each<[ImTrouble, number]>([
  ['internal', 1000],
  ['error', 100],
  ['hang', 100],
])(
  'six hours in which every call meets %s cost at most 20 calls a batch, and nobody of %i users a group',
  async (kind, users) => {
    const until = START + 6 * HOUR_MS;
    const world = createWorld({ sqs: { reorders: true }, im: { trouble: [{ kind, from: START, until }] } });
    const { im, queue, ledger, lambda } = world;
    const groups = names(10, 'g');
    for (const userId of names(users, 'u')) {
      for (const groupId of groups) queue.send(JSON.stringify({ groupId, userIds: [userId] }));
    }
    const haveJoined = () => groups.every((groupId) => im.members(groupId).size === users);
    const joinedInTheEnd = await world.run(haveJoined, 8 * HOUR_MS);

    const calls = Map.groupBy(im.sendings, ({ invocation }) => invocation);
    const during = lambda.invocations.filter(({ endedAt }) => endedAt < until);
    expect.soft(Math.max(...during.map(({ id }) => calls.get(id)?.length ?? 0))).toBeLessThanOrEqual(20);
    expect.soft(ledger.letters.length).toBe(0);
    expect.soft(joinedInTheEnd).toBe(true);
    expect(brokenPromises(world)).toEqual([]);
  },
  60_000,
);
