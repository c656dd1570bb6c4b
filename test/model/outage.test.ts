import { expect, it } from 'vitest';
import type { CallTrouble } from '../../tools/sim/rongcloud.ts';
import { START } from '../../tools/sim/world.ts';
import { brokenPromises } from './promises/checks.ts';
import { QueueWorld } from './queue-world.ts';

const HOUR_MS = 3_600_000;
const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
/** More than the calls that a batch may make: without a limit, first calls alone would be too many. */
const GROUPS = 25;
const USERS = 40;

it.each<CallTrouble>(['internal', 'error', 'hang'])(
  'six hours in which every call meets %s cost at most 20 calls a batch, and nobody who waits',
  async (kind) => {
    const until = START + 6 * HOUR_MS;
    const world = new QueueWorld({ sqs: { reorders: true }, rongCloud: { trouble: [{ kind, from: START, until }] } });
    const { rongCloud, queue, ledger, lambda } = world;
    const groups = names(GROUPS, 'g');
    for (const userId of names(USERS, 'u')) {
      for (const groupId of groups) queue.send(JSON.stringify({ groupId, userIds: [userId] }));
    }
    const isOver = () =>
      queue.messages.length === 0 && groups.every((groupId) => rongCloud.members(groupId).size === USERS);
    const joinedInTheEnd = await world.run(isOver, 8 * HOUR_MS);

    const calls = Map.groupBy(rongCloud.calls, ({ invocation }) => invocation);
    const during = lambda.invocations.filter(({ endedAt }) => endedAt < until);
    expect.soft(Math.max(...during.map(({ id }) => calls.get(id)?.length ?? 0))).toBeLessThanOrEqual(20);
    expect.soft(ledger.letters.length).toBe(0);
    expect.soft(joinedInTheEnd).toBe(true);
    expect(brokenPromises(world)).toEqual([]);
  },
  60_000,
);
