import { describe, expect, it } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import { DeadConnection } from '../../../lib/rongcloud/transport.ts';
import { APP_KEY } from '../../../tools/sim/secret.ts';
import { APP_SECRET, createBatchWorld, message } from '../../helpers/batch-world.ts';
import { FIREWALL, INTERNAL } from '../../helpers/narrowed-group.ts';
import { people } from '../../helpers/queued-joins.ts';

/** When slots are, at 24 calls a second. */
const slots = (count: number) => Array.from({ length: count }, (_, i) => Math.round(((i + 1) * 1000) / 24));
const starts = (calls: readonly { at: number }[]) => calls.map(({ at }) => Math.round(at));
const ids = (messages: readonly { messageId: string }[]) => messages.map(({ messageId }) => messageId);

describe('the calls of a batch', () => {
  it('are one for many messages of a group', async () => {
    const { run, calls, members } = createBatchWorld();
    expect(await run(people(500).map((user) => message('g', [user])))).toMatchObject({ done: 500, retained: [] });
    expect(calls.map(({ userIds }) => userIds)).toEqual([people(500)]);
    expect(members('g')).toEqual(people(500));
  });

  it('hold 1000 users at most, start a slot apart and have a request id of their own', async () => {
    const { run, calls } = createBatchWorld();
    await run([message('g', people(1500)), message('g', people(700, 'v')), message('h', ['x'], { requestId: 'mine' })]);
    expect(calls.map(({ groupId, userIds }) => [groupId, userIds.length])).toEqual([
      ['g', 1000],
      ['g', 1000],
      ['g', 200],
      ['h', 1],
    ]);
    expect(starts(calls)).toEqual(slots(4));
    expect(new Set(calls.map(({ requestId }) => requestId)).size).toBe(4);
    expect(calls.every(({ requestId }) => /^[\w-]{36}$/.test(requestId))).toBe(true);
  });

  it('leave room for the name', async () => {
    const userIds = people(1000).map((id) => id.padEnd(14, '用'));
    const { run, calls, members } = createBatchWorld();
    await run([message('g', userIds, { groupName: '名'.repeat(64) })]);
    expect(calls.map(({ groupName }) => groupName !== undefined)).toEqual([true, false]);
    expect(members('g')).toEqual(userIds);
  });

  it('are counted by the first user of the first message that they carry', async () => {
    const { run, logged } = createBatchWorld({
      judge: ({ userIds }) => (userIds.includes('x') ? 'UPSTREAM_REJECTED' : undefined),
    });
    await run([message('g', ['a', 'x'], { requestId: 'r-1' }), message('g', ['x'], { requestId: 'r-2' })]);
    expect(logged.map(({ messages, userId }) => [messages, userId])).toEqual([
      [['r-1', 'r-2'], 'a'],
      [['r-1'], 'a'],
      [['r-1', 'r-2'], 'a'],
    ]);
  });

  it('end, and say why, with one that has no secret any more when it has its turn', async () => {
    const lost = new JoinError('CREDENTIALS_UNAVAILABLE');
    let reads = 0;
    // The third read is the first call's own: those before it are for the first two turns.
    const get = async () => (++reads === 3 ? lost : { appKey: APP_KEY, appSecret: APP_SECRET });
    const { run, calls } = createBatchWorld({ credentials: { get, replace: async () => undefined } });
    const messages = people(4).map((group) => message(group, ['a']));
    expect(await run(messages)).toMatchObject({ stoppedBy: lost, retained: ids(messages) });
    expect(calls).toEqual([]);
  });

  it('hold one user from the third internal error in a row on, who is the likeliest to join', async () => {
    const { run, calls } = createBatchWorld({ judge: ({ userIds }) => (userIds.length > 1 ? INTERNAL : undefined) });
    await run([message('g', people(32))]);
    expect(calls.slice(0, 4).map(({ userIds }) => userIds.length)).toEqual([32, 16, 8, 1]);
  });

  it('go to the domain that works by the time of their turns', async () => {
    const { run } = createBatchWorld({ isPrimaryDown: true });
    const messages = people(60).map((group) => message(group, ['a']));
    // The first finds out.
    expect(await run(messages)).toMatchObject({ done: 59, retained: [messages[0]?.messageId] });
  });

  it('do not wait for slow answers', async () => {
    const { run, calls } = createBatchWorld({ callMs: 3000 });
    await run(people(15).map((group) => message(group, ['a'])));
    expect(starts(calls)).toEqual(slots(15));
  });

  it('give way: refused for rate, one is made again in a slot of its own, and all of them are fewer', async () => {
    const { run, calls, logged, sendings, members } = createBatchWorld({
      judge: (_call, ordinal) => (ordinal <= 2 ? 'UPSTREAM_RATE_LIMITED' : undefined),
    });
    const report = await run([message('g', ['a'], { groupName: 'Team' }), message('h', ['b']), message('i', ['c'])]);
    expect(report).toMatchObject({ retained: [], done: 3, stoppedBy: undefined });
    expect(calls.map(({ groupId, groupName }) => [groupId, groupName])).toEqual([
      ['g', 'Team'],
      ['h', undefined],
      ['i', undefined],
      ['g', 'Team'],
      ['h', undefined],
    ]);
    const [, , third = 0, fourth = 0, fifth = 0] = starts(calls);
    expect(Math.abs(fourth - third - 1000 / 6)).toBeLessThanOrEqual(1);
    expect(Math.abs(fifth - fourth - 1000 / 6)).toBeLessThanOrEqual(1);
    expect(members('g')).toEqual(['a']);
    // One line for a call, however often it was sent.
    expect([logged.length, sendings.length, new Set(calls.map(({ requestId }) => requestId)).size]).toEqual([3, 5, 3]);
  });

  it('end after 20 refusals for rate', async () => {
    const { run, calls, logged } = createBatchWorld({ judge: () => 'UPSTREAM_RATE_LIMITED' });
    const messages = people(3).map((user) => message(user, [user]));
    const report = await run(messages);
    expect(calls).toHaveLength(20);
    expect(report).toMatchObject({ retained: ids(messages), stoppedBy: { code: 'UPSTREAM_RATE_LIMITED' } });
    expect(logged).toHaveLength(3);
  });

  it('take another slot on a new connection', async () => {
    const { run, calls, logged } = createBatchWorld({
      judge: (_call, ordinal) => (ordinal === 1 ? new DeadConnection(new Error('reset')) : undefined),
    });
    expect(await run([message('g', ['a']), message('h', ['b'])])).toMatchObject({ done: 2, retained: [] });
    expect(calls.map(({ groupId }) => groupId)).toEqual(['g', 'h', 'g']);
    expect(starts(calls)).toEqual(slots(3));
    expect(logged).toHaveLength(2);
  });

  it('end early enough for the deadline, and what was not sent stays on the queue', async () => {
    const { run, calls, logged, time } = createBatchWorld({ deadlineMs: 3001 });
    const messages = people(1000).map((group) => message(group, ['a']));
    const report = await run(messages);
    // Two seconds at 24 a second: a call wants a second of its own.
    expect(calls).toHaveLength(48);
    expect(report).toMatchObject({ done: 48, retained: ids(messages.slice(48)) });
    expect(report.stoppedBy).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(logged).toHaveLength(48);
    expect(time.now()).toBeLessThanOrEqual(2011);
  });

  it('reach 1000 groups within the time of a function', async () => {
    const { run, calls } = createBatchWorld();
    expect(await run(people(1000).map((group) => message(group, ['a'])))).toMatchObject({ done: 1000 });
    expect(calls).toHaveLength(1000);
  });

  it('are told with the messages that they carried, by their request ids', async () => {
    const { run, calls, logged } = createBatchWorld({
      judge: ({ userIds }) => (userIds.includes('x') ? 'UPSTREAM_REJECTED' : undefined),
    });
    const anonymous = message('g', ['b', 'a']);
    const odd = message('g', ['x', 'a'], { requestId: 'no good' });
    await run([message('g', ['a'], { requestId: 'mine' }), anonymous, odd]);
    expect(logged.map(({ users, messages, error }) => [users, messages, error?.code])).toEqual([
      [3, ['mine', anonymous.messageId, odd.messageId], 'UPSTREAM_REJECTED'],
      [2, ['mine', anonymous.messageId, odd.messageId], undefined],
      [1, [odd.messageId], 'UPSTREAM_REJECTED'],
    ]);
    expect(logged.map(({ upstreamRequestId, groupId }) => [upstreamRequestId, groupId])).toEqual(
      calls.map(({ requestId }) => [requestId, 'g']),
    );
  });
});

describe('a failed call', () => {
  it.each<JoinErrorCode>([
    'UPSTREAM_UNAVAILABLE',
    'UPSTREAM_TIMEOUT',
    'UPSTREAM_UNREADABLE',
    'UPSTREAM_UNREACHABLE',
    'INTERNAL',
  ])('leaves its messages on the queue after %s, and lets the others go on', async (code) => {
    const { run, calls, members, letters, rests } = createBatchWorld({
      judge: ({ groupId }) => (groupId === 'bad' ? code : undefined),
    });
    const back = message('bad', ['a']);
    const report = await run([back, message('g', ['b'])]);
    expect(report).toMatchObject({ retained: [back.messageId], done: 1, requeued: 0, deadLettered: [] });
    expect(report.stoppedBy).toBeUndefined();
    expect([calls.length, members('g'), letters, rests]).toEqual([2, ['b'], [], []]);
  });

  it.each([new JoinError('UPSTREAM_CREDENTIALS'), new JoinError('UPSTREAM_MISCONFIGURED', { upstreamCode: 1006 })])(
    'ends the batch after $code, and refuses nobody',
    async (error) => {
      const { run, calls, letters } = createBatchWorld({
        judge: (_call, ordinal) => (ordinal === 3 ? error : undefined),
      });
      const messages = people(1000).map((group) => message(group, ['a']));
      const report = await run(messages);
      // Those whose slots came before the answer.
      expect(calls.length).toBeLessThan(6);
      expect(report.retained).toHaveLength(1000 - calls.length + 1);
      expect(report.stoppedBy).toMatchObject({ code: error.code });
      expect(letters).toEqual([]);
    },
  );

  it('ends the batch before it takes a slot if there are no credentials', async () => {
    const error = new JoinError('CREDENTIALS_UNAVAILABLE');
    const credentials = { get: async () => error, replace: async () => undefined };
    const { run, calls, logged, time } = createBatchWorld({ credentials });
    const messages = people(3).map((group) => message(group, ['a']));
    expect(await run(messages)).toMatchObject({ retained: ids(messages), done: 0, stoppedBy: error });
    expect([calls, logged, time.now()]).toEqual([[], [], 0]);
  });

  it('ends the batch where there are no credentials any more, and says nothing of calls that were not sent', async () => {
    const error = new JoinError('CREDENTIALS_UNAVAILABLE');
    const good = { appKey: APP_KEY, appSecret: APP_SECRET };
    let reads = 0;
    const get = async () => {
      reads += 1;
      return reads < 4 ? good : error;
    };
    const { run, calls, logged } = createBatchWorld({ credentials: { get, replace: async () => undefined } });
    const messages = people(9).map((group) => message(group, ['a']));
    const report = await run(messages);
    expect(calls.length).toBeGreaterThan(0);
    expect(logged).toHaveLength(calls.length);
    expect(report).toMatchObject({ retained: ids(messages.slice(calls.length)), stoppedBy: error });
  });

  it.each([INTERNAL, FIREWALL])('of every group with $code is an outage: first calls end after 20', async (error) => {
    const { run, calls, letters } = createBatchWorld({ judge: () => error });
    const messages = people(40).map((group) => message(group, ['a', 'b']));
    const report = await run(messages);
    expect(calls).toHaveLength(20);
    expect(report).toMatchObject({ retained: ids(messages), done: 0, stoppedBy: { code: error.code } });
    expect(letters).toEqual([]);
  });

  it.each([INTERNAL, FIREWALL])('of one group with $code is an outage: narrowing ends after 8', async (error) => {
    const { run, calls, letters } = createBatchWorld({ judge: ({ groupId }) => (groupId === 'g' ? error : undefined) });
    const messages = people(51).map((user) => message('g', [user]));
    expect(await run(messages)).toMatchObject({ retained: ids(messages), stoppedBy: undefined });
    expect([calls.length, letters.length]).toEqual([8, 0]);
  });

  it('of this program itself keeps nobody waiting for its end', async () => {
    const { run, calls, sendings } = createBatchWorld({
      judge: () => {
        throw new TypeError('bug');
      },
    });
    const messages = people(21).map((group) => message(group, ['a']));
    const report = await run(messages);
    expect([calls.length, sendings.length]).toEqual([20, 0]);
    expect(report).toMatchObject({ retained: ids(messages), stoppedBy: { code: 'INTERNAL' } });
  });
});
