import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { JoinError, type JoinErrorCode } from '../../../lib/errors.ts';
import { createJoinBatch, type MergedCall, type QueueMessage } from '../../../lib/queue/batch.ts';
import type { DeadLetter } from '../../../lib/queue/dead-letters.ts';
import { createPacer } from '../../../lib/queue/pacer.ts';
import type { RongCloudClient } from '../../../lib/rongcloud/client.ts';

const INTERNAL_ERROR = new JoinError('UPSTREAM_UNAVAILABLE', { upstreamCode: 1000 });

interface Call {
  at: number;
  requestId: string;
  groupId: string;
  userIds: string[];
  groupName: string | undefined;
}

interface World {
  /** How a call ends; undefined if everyone joins. */
  judge?: (call: Call, calls: number) => JoinErrorCode | JoinError | undefined;
  /** Room in each group. */
  capacity?: number;
  takesLetters?: (letter: DeadLetter) => boolean;
  callMs?: number;
  deadlineMs?: number;
}

/** A batch door over a RongCloud that keeps groups; time is simulated. */
function setUp({
  judge = () => undefined,
  capacity = 3000,
  takesLetters = () => true,
  callMs = 0,
  deadlineMs,
}: World = {}) {
  const clock = { ms: 0 };
  const calls: Call[] = [];
  const groups = new Map<string, Set<string>>();
  const letters: DeadLetter[] = [];
  const join = vi.fn<RongCloudClient['join']>(async (form, { requestId, beforeSending, onAttempt }) => {
    const refused = await beforeSending?.();
    if (refused) return refused;
    const pairs = new URLSearchParams(form);
    const groupId = pairs.get('groupId') ?? '';
    const call = {
      at: clock.ms,
      requestId,
      groupId,
      userIds: pairs.getAll('userId'),
      groupName: pairs.get('groupName') ?? undefined,
    };
    calls.push(call);
    if (callMs) await new Promise((resolve) => setTimeout(resolve, callMs));
    const code = judge(call, calls.length);
    const error = typeof code === 'string' ? new JoinError(code) : code;
    onAttempt?.({ ordinal: 1, host: 'p.example', durationMs: 0, error });
    if (error) return error;
    const members = new Set([...(groups.get(groupId) ?? []), ...call.userIds]);
    if (members.size > capacity) return new JoinError('GROUP_FULL', { upstreamCode: 405 });
    groups.set(groupId, members);
    return undefined;
  });
  const joinBatch = createJoinBatch({
    client: { join },
    pacer: createPacer({
      ratePerSecond: 24,
      now: () => clock.ms,
      sleep: async (ms) => {
        // Whoever got the last slot begins before time goes on.
        await new Promise(setImmediate);
        clock.ms += ms;
      },
    }),
    deadLetters: {
      async send(sent) {
        const taken = sent.filter(takesLetters);
        letters.push(...taken);
        return { taken: new Set(taken.map(({ messageId }) => messageId)) };
      },
    },
  });
  const logged: MergedCall[] = [];
  const run = async (messages: QueueMessage[]) => {
    const deadline = clock.ms + (deadlineMs ?? 55_000);
    return joinBatch(messages, { deadline, onCall: (call) => logged.push(call) });
  };
  return { calls, groups, letters, logged, join, run };
}

let next = 0;
function message(groupId: string, userIds: readonly string[], more: object = {}, sentAt = 0): QueueMessage {
  next += 1;
  return { messageId: `m${next}`, body: JSON.stringify({ groupId, userIds, ...more }), sentAt };
}
const people = (count: number, prefix = 'u') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const ids = (messages: readonly QueueMessage[]) => messages.map(({ messageId }) => messageId);

describe('createJoinBatch', () => {
  it('makes one call of many messages for a group', async () => {
    const { run, calls, groups } = setUp();
    const report = await run(people(500).map((user) => message('g', [user])));
    expect(report).toEqual({ retained: [], deadLettered: [], stoppedBy: undefined });
    expect(calls.map(({ userIds }) => userIds)).toEqual([people(500)]);
    expect([...(groups.get('g') ?? [])]).toEqual(people(500));
  });

  it('splits at 1000 users, spaces the starts of calls and gives each a request id of its own', async () => {
    const { run, calls } = setUp();
    await run([message('g', people(1500)), message('g', people(700, 'v')), message('h', ['x'], { requestId: 'mine' })]);
    expect(calls.map(({ groupId, userIds }) => [groupId, userIds.length])).toEqual([
      ['g', 1000],
      ['g', 1000],
      ['g', 200],
      ['h', 1],
    ]);
    for (const [i, { at }] of calls.entries()) expect(at).toBeCloseTo(((i + 1) * 1000) / 24, 5);
    expect(new Set(calls.map(({ requestId }) => requestId)).size).toBe(4);
    expect(calls.every(({ requestId }) => /^[\w-]{36}$/.test(requestId))).toBe(true);
  });

  it('does not let a slow answer hold the next start', async () => {
    const { run, calls } = setUp({ callMs: 30 });
    await run(people(10).map((group) => message(group, ['a'])));
    for (const [i, { at }] of calls.entries()) expect(at).toBeCloseTo(((i + 1) * 1000) / 24, 5);
  });

  it('tells which messages a call carried, by their request ids', async () => {
    const { run, calls, logged } = setUp();
    const anonymous = message('g', ['b']);
    await run([message('g', ['a'], { requestId: 'mine' }), anonymous, message('g', ['c'], { requestId: 'no good' })]);
    expect(logged).toEqual([
      {
        requestId: calls[0]?.requestId,
        groupId: 'g',
        users: 3,
        messages: ['mine', anonymous.messageId, `m${next}`],
        error: undefined,
      },
    ]);
  });

  it("sends the newest message's name", async () => {
    const { run, calls } = setUp();
    await run([message('g', ['a'], { groupName: 'New' }, 9), message('g', ['b'], { groupName: 'Old' }, 3)]);
    expect(calls.map(({ groupName }) => groupName)).toEqual(['New']);
  });

  it.each([
    ['no JSON', 'planted{'],
    ['no request', '{"groupId":"g"}'],
    ['an unknown key', '{"groupId":"g","userIds":["a"],"x":1}'],
    ['null', 'null'],
  ])('dead-letters a message that is %s at once, body verbatim, and joins its neighbours', async (_name, body) => {
    const { run, letters, groups } = setUp();
    const bad = { messageId: 'bad', body, sentAt: 0 };
    const report = await run([message('g', ['a']), bad, message('g', ['b'])]);
    expect(report.retained).toEqual([]);
    expect(letters).toEqual([{ messageId: 'bad', requestId: 'bad', body, code: 'INVALID_REQUEST', failedCount: 0 }]);
    expect([...(groups.get('g') ?? [])]).toEqual(['a', 'b']);
  });

  it('leaves a message on the queue that the dead-letter queue does not take', async () => {
    const { run } = setUp({ takesLetters: ({ messageId }) => messageId !== 'stays' });
    const report = await run([
      { messageId: 'stays', body: '{', sentAt: 0 },
      { messageId: 'goes', body: '{', sentAt: 0 },
    ]);
    expect(report.retained).toEqual(['stays']);
    expect(ids(report.deadLettered as unknown as QueueMessage[])).toEqual(['goes']);
  });

  it('finds the one bad user among 1000 messages, and joins all others', async () => {
    const { run, calls, letters, groups } = setUp({
      judge: ({ userIds }) => (userIds.includes('u617') ? 'UPSTREAM_REJECTED' : undefined),
    });
    const messages = people(1000).map((user) => message('g', [user], { requestId: `r-${user}` }));
    const report = await run(messages);
    expect(report.retained).toEqual([]);
    expect(letters).toMatchObject([{ requestId: 'r-u617', code: 'UPSTREAM_REJECTED', failedCount: 1 }]);
    expect(groups.get('g')?.size).toBe(999);
    expect(calls.length).toBeLessThanOrEqual(1 + 20);
  });

  it('finds the bad users inside a message of many, and joins the others', async () => {
    const bad = new Set(['u3', 'u90']);
    const { run, letters, groups } = setUp({
      judge: ({ userIds }) => (userIds.some((id) => bad.has(id)) ? 'UPSTREAM_REJECTED' : undefined),
    });
    const guilty = message('g', people(100));
    const report = await run([message('g', ['v']), guilty, message('g', ['w', 'u5'])]);
    expect(report.retained).toEqual([]);
    expect(letters).toMatchObject([{ messageId: guilty.messageId, body: guilty.body, failedCount: 2 }]);
    expect(groups.get('g')?.size).toBe(2 + 98);
  });

  it('dead-letters each message that names a bad user', async () => {
    const { run, letters } = setUp({
      judge: ({ userIds }) => (userIds.includes('bad') ? 'UPSTREAM_REJECTED' : undefined),
    });
    await run([message('g', ['a', 'bad']), message('g', ['b']), message('g', ['bad', 'c'])]);
    expect(letters.map(({ failedCount }) => failedCount)).toEqual([1, 1]);
  });

  it('fills a group to its last place and dead-letters the rest without further calls', async () => {
    const { run, calls, letters, groups } = setUp({ capacity: 3 });
    const report = await run(people(5).map((user) => message('g', [user])));
    expect(report.retained).toEqual([]);
    expect([...(groups.get('g') ?? [])]).toEqual(['u0', 'u1', 'u2']);
    expect(letters.map(({ code, failedCount }) => [code, failedCount])).toEqual([
      ['GROUP_FULL', 1],
      ['GROUP_FULL', 1],
    ]);
    expect(calls.length).toBeLessThanOrEqual(6);
    const many = setUp({ capacity: 3 });
    await many.run(people(1000).map((user) => message('g', [user])));
    expect(many.groups.get('g')?.size).toBe(3);
    expect(many.letters).toHaveLength(997);
    expect(many.calls.length).toBeLessThanOrEqual(24);
  });

  it('fills a group from a message of many users', async () => {
    const { run, letters, groups } = setUp({ capacity: 7 });
    await run([message('g', people(20)), message('h', ['x'])]);
    expect([...(groups.get('g') ?? [])]).toEqual(people(7));
    expect(letters).toMatchObject([{ code: 'GROUP_FULL', failedCount: 13 }]);
    expect(groups.get('h')?.size).toBe(1);
  });

  it('condemns a message for a name that is refused, and nobody beside it', async () => {
    const { run, letters, groups } = setUp({
      judge: ({ groupName }) => (groupName === 'Bad' ? 'UPSTREAM_REJECTED' : undefined),
    });
    const named = message('g', ['d'], { groupName: 'Bad' }, 9);
    const report = await run([message('g', ['a']), message('g', ['b', 'd']), named, message('g', ['c'])]);
    expect(report.retained).toEqual([]);
    expect([...(groups.get('g') ?? [])].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(letters).toMatchObject([{ messageId: named.messageId, code: 'UPSTREAM_REJECTED', failedCount: 0 }]);
    const large = setUp({ judge: ({ groupName }) => (groupName === 'Bad' ? 'UPSTREAM_REJECTED' : undefined) });
    expect(
      (await large.run([message('g', people(1000), { groupName: 'Bad' }), message('g', ['last'])])).retained,
    ).toEqual([]);
    expect(large.groups.get('g')?.size).toBe(1001);
    expect(large.letters).toHaveLength(1);
  });

  it('keeps a good name while it finds a bad user', async () => {
    const { run, calls } = setUp({
      judge: ({ userIds }) => (userIds.includes('bad') ? 'UPSTREAM_REJECTED' : undefined),
    });
    await run([message('g', ['a'], { groupName: 'Good' }, 9), message('g', ['bad']), message('g', ['b'])]);
    expect(
      calls.some(({ groupName, userIds }) => groupName === 'Good' && userIds.includes('a') && !userIds.includes('bad')),
    ).toBe(true);
  });

  it('comes to everyone who can join in the end, with more bad users than one delivery can find', async () => {
    const bad = new Set(Array.from({ length: 12 }, (_, i) => `u${i * 80}`));
    const { run, groups } = setUp({
      judge: ({ userIds }) => (userIds.some((id) => bad.has(id)) ? 'UPSTREAM_REJECTED' : undefined),
    });
    const one = message('g', people(1000));
    for (let delivery = 0; delivery < 20; delivery++) await run([one]);
    expect(groups.get('g')?.size).toBe(1000 - 12);
  });

  it('condemns nobody for a full group who may be in it already', async () => {
    const { run, letters } = setUp({
      judge: ({ userIds }) => (userIds.includes('u0') ? 'UPSTREAM_TIMEOUT' : 'GROUP_FULL'),
    });
    const first = message('g', people(1000));
    const report = await run([first, message('g', ['late'])]);
    expect(report.retained).toEqual([first.messageId]);
    expect(letters).toMatchObject([{ code: 'GROUP_FULL', failedCount: 1 }]);
  });

  it('joins the neighbours of a message that RongCloud answers with an internal error', async () => {
    const { run, calls, groups, letters } = setUp({
      judge: ({ userIds }) => (userIds.includes('u30') ? INTERNAL_ERROR : undefined),
    });
    const messages = people(51).map((user) => message('g', [user]));
    expect(await run(messages)).toMatchObject({ retained: [messages[30]?.messageId], deadLettered: [] });
    expect([groups.get('g')?.size, letters.length]).toEqual([50, 0]);
    expect(calls.length).toBeLessThanOrEqual(1 + 12);
    const outage = setUp({ judge: () => INTERNAL_ERROR });
    expect((await outage.run(people(51).map((user) => message('g', [user])))).retained).toHaveLength(51);
    expect(outage.calls).toHaveLength(3);
  });

  it('stops narrowing down after 64 extra calls, and what is undecided goes back', async () => {
    const { run, calls, letters } = setUp({ judge: () => 'UPSTREAM_REJECTED' });
    const messages = people(500).map((user) => message('g', [user]));
    const report = await run(messages);
    expect(calls).toHaveLength(65);
    expect(report.retained.length + letters.length).toBe(500);
    expect(letters.length).toBeGreaterThan(0);
    expect(report.retained.length).toBeGreaterThan(0);
    expect(
      letters.every(({ messageId }) =>
        calls.some(({ userIds }) => userIds.length === 1 && userIds[0] === `u${ids(messages).indexOf(messageId)}`),
      ),
    ).toBe(true);
  });

  it.each([
    'UPSTREAM_UNAVAILABLE',
    'UPSTREAM_TIMEOUT',
    'UPSTREAM_RATE_LIMITED',
    'UPSTREAM_UNREACHABLE',
    'INTERNAL',
  ] as const)('sends the messages of a call back after %s, and goes on with the others', async (code) => {
    const { run, calls, groups, letters } = setUp({ judge: ({ groupId }) => (groupId === 'bad' ? code : undefined) });
    const back = message('bad', ['a']);
    const report = await run([back, message('g', ['b'])]);
    expect(report).toEqual({ retained: [back.messageId], deadLettered: [], stoppedBy: undefined });
    expect([calls.length, groups.get('g')?.size, letters.length]).toEqual([2, 1, 0]);
  });

  it.each(['UPSTREAM_MISCONFIGURED', 'UPSTREAM_CREDENTIALS', 'CREDENTIALS_UNAVAILABLE'] as const)(
    'ends the batch after %s, at once and condemning nobody',
    async (code) => {
      const { run, calls, letters } = setUp({ judge: (_call, count) => (count === 3 ? code : undefined) });
      const messages = people(1000).map((group) => message(group, ['a']));
      const report = await run(messages);
      // Those whose slots came before the answer.
      expect(calls.length).toBeLessThan(10);
      expect(report.retained).toHaveLength(1000 - calls.length + 1);
      expect(report.stoppedBy).toMatchObject({ code });
      expect(letters).toEqual([]);
    },
  );

  it('stops early enough for the deadline, and what was not sent goes back', async () => {
    const { run, calls } = setUp({ deadlineMs: 3001 });
    const messages = people(1000).map((group) => message(group, ['a']));
    const report = await run(messages);
    // Two seconds at 24 a second: a call wants a second of its own.
    expect(calls).toHaveLength(48);
    expect(report.retained).toEqual(ids(messages.slice(48)));
    expect(report.stoppedBy).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('sends a full batch of distinct groups within the time of a function', async () => {
    const { run, calls } = setUp();
    expect((await run(people(1000).map((group) => message(group, ['a'])))).retained).toEqual([]);
    expect(calls).toHaveLength(1000);
  });

  it('takes a message that comes twice, and one that comes again after its success', async () => {
    const { run, calls, groups } = setUp();
    const one = message('g', ['a', 'b']);
    expect((await run([one, { ...one, messageId: 'again' }])).retained).toEqual([]);
    expect((await run([one])).retained).toEqual([]);
    expect(calls.map(({ userIds }) => userIds)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(groups.get('g')?.size).toBe(2);
  });

  it('keeps its word for any batch: nobody is lost, no limit is passed, failed means that somebody did not join', async () => {
    const user = fc.integer({ min: 0, max: 40 }).map((n) => `u${n}`);
    const valid = fc.record({
      groupId: fc.constantFrom('g', 'h'),
      userIds: fc.uniqueArray(user, { minLength: 1, maxLength: 12 }),
    });
    const batch = fc.array(
      fc.oneof({ weight: 9, arbitrary: valid }, { weight: 1, arbitrary: fc.constant({ junk: true }) }),
      { maxLength: 40 },
    );
    const world = fc.record({
      rejected: fc.uniqueArray(user, { maxLength: 3 }),
      capacity: fc.integer({ min: 5, max: 60 }),
      flaky: fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(batch, world, async (requests, { rejected, capacity, flaky }) => {
        const { run, calls, groups, letters } = setUp({
          capacity,
          judge: ({ userIds }, count) => {
            if (flaky.includes(count)) return 'UPSTREAM_UNAVAILABLE';
            return userIds.some((id) => rejected.includes(id)) ? 'UPSTREAM_REJECTED' : undefined;
          },
        });
        const messages = requests.map((request) => ({ ...message('', []), body: JSON.stringify(request) }));
        const { retained } = await run(messages);
        const dead = new Set(letters.map(({ messageId }) => messageId));
        for (const [i, request] of requests.entries()) {
          const id = messages[i]?.messageId ?? '';
          if (!('groupId' in request)) {
            expect([dead.has(id), retained.includes(id)]).toEqual([true, false]);
            continue;
          }
          const allJoined = request.userIds.every((userId) => groups.get(request.groupId)?.has(userId));
          expect(retained.includes(id) || dead.has(id)).toBe(!allJoined);
          expect(retained.includes(id) && dead.has(id)).toBe(false);
        }
        const asked = new Set(
          requests.flatMap((r) => ('groupId' in r ? r.userIds.map((id) => `${r.groupId} ${id}`) : [])),
        );
        const called = new Set(calls.flatMap(({ groupId, userIds }) => userIds.map((id) => `${groupId} ${id}`)));
        expect(called).toEqual(asked);
        expect(calls.every(({ userIds }) => new Set(userIds).size === userIds.length && userIds.length <= 1000)).toBe(
          true,
        );
      }),
      { numRuns: 300 },
    );
  });
});
