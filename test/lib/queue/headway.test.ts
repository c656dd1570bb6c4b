import { describe, expect, it } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { APP_KEY } from '../../../tools/sim/secret.ts';
import { APP_SECRET, createBatchWorld, message } from '../../helpers/batch-world.ts';
import { people } from '../../helpers/queued-joins.ts';

describe('a batch makes headway', () => {
  it('takes another slot with the credentials of a secret that was re-read', async () => {
    let held = { appKey: APP_KEY, appSecret: 'old' };
    const credentials = {
      get: () => held,
      replace: async () => {
        held = { appKey: APP_KEY, appSecret: APP_SECRET };
        return held;
      },
    };
    const { run, calls } = createBatchWorld({ credentials });
    const report = await run([message('g', ['a'])]);
    expect(calls.map(({ carriedOut }) => carriedOut)).toEqual([false, true]);
    expect(calls.map(({ at }) => Math.round(at))).toEqual([42, 83]);
    expect(report).toMatchObject({ done: 1, retained: [], stoppedBy: undefined });
  });

  it.each([
    new JoinError('UPSTREAM_MISCONFIGURED', { upstreamCode: 1006 }),
    new JoinError('UPSTREAM_CREDENTIALS', { upstreamCode: 1004 }),
  ])('and ends after $code, which every call would meet', async (error) => {
    const { run, calls } = createBatchWorld({ judge: () => error });
    const report = await run(people(100).map((group) => message(group, ['a'])));
    expect(calls.length).toBeLessThanOrEqual(2);
    expect(report).toMatchObject({ done: 0, deadLettered: [], stoppedBy: error });
    expect(report.retained).toHaveLength(100);
  });

  it('finds out with few calls that a group is full', async () => {
    const { run, calls, members } = createBatchWorld({ capacity: 3 });
    await run(people(1000).map((user) => message('g', [user])));
    expect(members('g')).toHaveLength(3);
    expect(calls.length).toBeLessThanOrEqual(24);
  });

  it('joins the others of a small group in few calls, beside groups that take more than a batch has', async () => {
    const isRefused = ({ userIds }: { userIds: readonly string[] }) => userIds.some((id) => id.startsWith('bad'));
    const { run, calls, members } = createBatchWorld({
      judge: (call) => (isRefused(call) ? 'UPSTREAM_REJECTED' : undefined),
    });
    const mixed = people(500).flatMap((id) => [id, `bad-${id}`]);
    const small = people(8).with(5, 'bad');
    await run([message('large', mixed), message('small', small), message('larger', mixed)]);
    expect(members('small')).toHaveLength(7);
    const last = calls.findLastIndex(({ groupId }) => groupId === 'small');
    expect(last).toBeLessThan(40);
  });

  it('decides on somebody in each delivery, however many RongCloud refuses', async () => {
    const { run, letters } = createBatchWorld({ judge: () => 'UPSTREAM_REJECTED' });
    const groups = people(10, 'group-');
    await run(groups.map((group) => message(group, people(500))));
    expect(letters.length).toBeGreaterThan(0);
  });
});
