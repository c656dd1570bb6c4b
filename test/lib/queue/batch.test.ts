import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBatchWorld, message, type WorldOptions } from '../../helpers/batch-world.ts';
import { INTERNAL } from '../../helpers/narrowed-group.ts';
import { people } from '../../helpers/queued-joins.ts';

type Judge = NonNullable<WorldOptions['judge']>;
const refuses =
  (...bad: string[]): Judge =>
  ({ userIds }) =>
    userIds.some((id) => bad.includes(id)) ? 'UPSTREAM_REJECTED' : undefined;
const bodyOf = ({ body }: { body: string }) => JSON.parse(body);

describe('a batch', () => {
  it('reports what became of each message, group by group', async () => {
    const judge: Judge = (call, ordinal) => (call.groupId === 'h' ? 'UPSTREAM_TIMEOUT' : refuses('x')(call, ordinal));
    const { run, broughtBack } = createBatchWorld({ judge });
    const mixed = message('g', ['a', 'x'], { requestId: 'r-mixed' });
    const late = message('h', ['b', 'c'], { requestId: 'r-late' });
    const invalid = { ...message('g', []), messageId: 'invalid', body: '{' };
    const report = await run([mixed, message('g', ['a'], { requestId: 'r-fine' }), late, invalid]);
    expect(report).toEqual({
      retained: [late.messageId],
      deadLettered: [
        {
          messageId: 'invalid',
          requestId: 'invalid',
          code: 'INVALID_REQUEST',
          failedCount: 0,
          errors: [{ pointer: '', detail: 'Must be valid JSON in UTF-8.' }],
        },
        {
          messageId: mixed.messageId,
          requestId: 'r-mixed',
          code: 'UPSTREAM_REJECTED',
          failedCount: 1,
        },
      ],
      requeued: 0,
      done: 1,
      groups: [
        {
          groupId: 'g',
          results: [
            { requestId: 'r-mixed', joined: 1, refused: 1, undecided: 0, code: 'UPSTREAM_REJECTED' },
            { requestId: 'r-fine', joined: 1, refused: 0, undecided: 0 },
          ],
        },
        { groupId: 'h', results: [{ requestId: 'r-late', joined: 0, refused: 0, undecided: 2 }] },
      ],
      stoppedBy: undefined,
    });
    expect(broughtBack).toEqual([late.messageId]);
  });

  it('takes a message that comes twice, and one that comes again after its success', async () => {
    const { run, calls, members } = createBatchWorld();
    const one = message('g', ['a', 'b']);
    expect(await run([one, { ...one, messageId: 'again' }])).toMatchObject({ retained: [], done: 2 });
    expect(await run([one])).toMatchObject({ retained: [], done: 1 });
    expect(calls.map(({ userIds }) => userIds.join())).toEqual(['a,b', 'a,b']);
    expect(members('g')).toEqual(['a', 'b']);
  });

  it('finds nothing to do in no message', async () => {
    const { run, calls } = createBatchWorld();
    expect(await run([])).toMatchObject({ retained: [], done: 0, groups: [] });
    expect(calls).toEqual([]);
  });
});

describe('the dead-letter queue', () => {
  it.each([
    ['no JSON', 'planted{'],
    ['no request', '{"groupId":"g"}'],
    ['an unknown key', '{"groupId":"g","userIds":["a"],"x":1}'],
    ['null', 'null'],
  ])('gets a message that is %s at once, verbatim, and its neighbours join', async (_name, body) => {
    const { run, letters, members } = createBatchWorld();
    const bad = { ...message('g', []), messageId: 'bad', body };
    expect(await run([message('g', ['a']), bad, message('g', ['b'])])).toMatchObject({ retained: [], done: 2 });
    const attributes = { code: 'INVALID_REQUEST', requestId: 'bad', failedCount: 0, errors: expect.any(String) };
    expect(letters).toEqual([{ body, attributes }]);
    expect(members('g')).toEqual(['a', 'b']);
  });

  it('gets the one bad user among 1000 messages, and all others join', async () => {
    const { run, calls, letters, members } = createBatchWorld({ judge: refuses('u617') });
    const report = await run(people(1000).map((user) => message('g', [user], { requestId: `r-${user}` })));
    expect(report).toMatchObject({ retained: [], done: 999 });
    expect(letters).toEqual([
      {
        body: '{"groupId":"g","userIds":["u617"],"requestId":"r-u617"}',
        attributes: { code: 'UPSTREAM_REJECTED', requestId: 'r-u617', failedCount: 1 },
      },
    ]);
    expect(members('g')).toHaveLength(999);
    expect(calls.length).toBeLessThanOrEqual(1 + 20);
  });

  it('gets the refused users of each message that names them, without its name', async () => {
    const { run, letters } = createBatchWorld({ judge: refuses('x', 'y') });
    const one = message('g', ['a', 'y', 'x'], { groupName: 'Team' });
    const other = message('g', ['x', 'c']);
    await run([one, message('g', ['b']), other]);
    expect(letters.map(bodyOf)).toEqual([
      { groupId: 'g', userIds: ['y', 'x'], requestId: one.messageId },
      { groupId: 'g', userIds: ['x'], requestId: other.messageId },
    ]);
    expect(letters.map(({ attributes }) => attributes?.failedCount)).toEqual([2, 1]);
  });

  it('gets whom a full group has no room for', async () => {
    const { run, letters, members } = createBatchWorld({ capacity: 3 });
    await run([...people(1000).map((user) => message('g', [user])), message('h', ['x'])]);
    expect([members('g'), members('h')]).toEqual([['u0', 'u1', 'u2'], ['x']]);
    expect(new Set(letters.map(({ attributes }) => attributes?.code))).toEqual(new Set(['GROUP_FULL']));
    expect(letters).toHaveLength(997);
  });

  it('gets a refused name by itself, and its users join', async () => {
    const { run, letters, members } = createBatchWorld({
      judge: ({ groupName }) => (groupName === 'Bad' ? 'UPSTREAM_REJECTED' : undefined),
    });
    const named = message('g', [...people(1000), 'd'], { groupName: 'Bad' }, 9);
    expect(await run([message('g', ['a']), named])).toMatchObject({ retained: [], done: 1, requeued: 0 });
    expect(members('g')).toHaveLength(1002);
    expect(letters.map(bodyOf)).toEqual([
      { groupId: 'g', userIds: ['u0'], groupName: 'Bad', requestId: named.messageId },
    ]);
    expect(letters[0]?.attributes).toMatchObject({ failedCount: 0 });
  });

  it('leaves what it does not take on the queue', async () => {
    const { run, letters } = createBatchWorld({
      judge: refuses('x'),
      takesLetter: (body) => body === '[',
    });
    const mixed = message('g', ['a', 'x']);
    const invalid = ['{', '['].map((body) => ({ ...message('g', []), messageId: `message ${body}`, body }));
    const report = await run([mixed, ...invalid]);
    expect(report.retained.toSorted()).toEqual([mixed.messageId, 'message {'].sort());
    expect(report.deadLettered.map(({ messageId }) => messageId)).toEqual(['message [']);
    expect(report).toMatchObject({ done: 0, stoppedBy: { code: 'QUEUE_UNAVAILABLE' } });
    expect(letters.map(({ body }) => body)).toEqual(['[']);
  });
});

describe('a message that SQS hands over twice in one batch', () => {
  it('is settled once, and leaves one letter and one rest', async () => {
    const { run, letters, rests } = createBatchWorld({
      judge: ({ userIds }) =>
        userIds.join() === 'b'
          ? 'UPSTREAM_TIMEOUT'
          : userIds.some((one) => one !== 'a')
            ? 'UPSTREAM_REJECTED'
            : undefined,
    });
    const twice = message('g', ['a', 'b', 'x']);
    expect(await run([twice, { ...twice, receiptHandle: 'another' }])).toMatchObject({ retained: [], requeued: 1 });
    expect([letters.length, rests.length]).toEqual([1, 1]);
  });

  it('is two where only the id is the same', async () => {
    const { run, members } = createBatchWorld();
    const first = message('g', ['a']);
    await run([first, { ...message('h', ['b']), messageId: first.messageId }]);
    expect([members('g'), members('h')]).toEqual([['a'], ['b']]);
  });
});

describe('undecided users', () => {
  /** Users whose calls fail with an internal error, so that nothing is known of them. */
  const unknown =
    (...userIds: string[]): Judge =>
    (call) =>
      call.userIds.some((id) => userIds.includes(id)) ? INTERNAL : undefined;

  it('go back to the queue as a smaller message, with its age, its sender and its name', async () => {
    const { run, rests, letters } = createBatchWorld({ judge: unknown('b', 'd') });
    const given = message('g', ['a', 'b', 'c', 'd'], { groupName: 'Team', requestId: 'mine' }, 77);
    const newer = message('g', ['b'], { groupName: 'Newer' }, 78);
    const report = await run([{ ...given, senderGroup: 'app' }, newer]);
    expect(report).toMatchObject({ retained: [newer.messageId], requeued: 1, done: 0, deadLettered: [] });
    expect(letters).toEqual([]);
    expect(rests).toEqual([
      {
        // The name has been given: nobody of the newer message could carry another.
        body: '{"groupId":"g","userIds":["b","d"],"requestId":"mine"}',
        attributes: { firstSentAt: 77 },
        delaySeconds: 5,
        senderGroup: 'app',
      },
    ]);
  });

  it.each([
    [0, 5],
    [0.5, 33],
    [0.999, 60],
  ])('wait a random time: of %d, %i seconds', async (random, delaySeconds) => {
    const { run, rests } = createBatchWorld({ judge: unknown('b'), random: () => random });
    await run([message('g', ['a', 'b'])]);
    expect(rests).toMatchObject([{ delaySeconds }]);
  });

  it('of whole messages stay on the queue, and nothing is sent', async () => {
    const { run, rests, letters, members } = createBatchWorld({ judge: unknown('u30') });
    const messages = people(51).map((user) => message('g', [user]));
    expect(await run(messages)).toMatchObject({ retained: [messages[30]?.messageId], requeued: 0, done: 50 });
    expect([rests, letters, members('g').length]).toEqual([[], [], 50]);
  });

  it('make the message stay whole if the queue does not take them back', async () => {
    const { run, letters } = createBatchWorld({
      judge: (call, ordinal) => unknown('b', 'e')(call, ordinal) ?? refuses('x')(call, ordinal),
      takesRest: (body) => !body.includes('"b"'),
    });
    const stays = message('g', ['a', 'b', 'x']);
    const report = await run([stays, message('h', ['d', 'e'])]);
    expect(report).toMatchObject({ retained: [stays.messageId], requeued: 1, done: 0 });
    expect(report.stoppedBy).toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
    // Its refused user is on the dead-letter queue by then, and will be once more.
    expect(letters.map(bodyOf)).toMatchObject([{ userIds: ['x'] }]);
  });

  it('are those who were not reached before the deadline', async () => {
    const { run, calls, letters } = createBatchWorld({ judge: () => 'UPSTREAM_REJECTED', deadlineMs: 26_010 });
    const messages = people(500).map((user) => message('g', [user]));
    const report = await run(messages);
    expect(calls).toHaveLength(600);
    const alone = calls.filter(({ userIds }) => userIds.length === 1).flatMap(({ userIds }) => userIds);
    expect(letters.flatMap((letter) => bodyOf(letter).userIds).sort()).toEqual(alone.sort());
    expect(alone.length).toBeGreaterThan(0);
    expect(report.retained).toHaveLength(500 - alone.length);
  });
});

it('accounts for each user of any batch', async () => {
  const user = fc.integer({ min: 0, max: 40 }).map((n) => `u${n}`);
  const request = fc.record({
    groupId: fc.constantFrom('g', 'h'),
    userIds: fc.uniqueArray(user, { minLength: 1, maxLength: 12 }),
  });
  const world = fc.record({
    rejected: fc.uniqueArray(user, { maxLength: 3 }),
    capacity: fc.integer({ min: 5, max: 60 }),
    flaky: fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
    deadlineMs: fc.constantFrom(1200, 1500, 2000, 54_000),
    untaken: user,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 40 }), world, async (requests, faults) => {
      const takes = (body: string) => !body.includes(`"${faults.untaken}"`);
      const { run, members, letters, rests } = createBatchWorld({
        ...faults,
        takesLetter: takes,
        takesRest: takes,
        judge: (call, ordinal) =>
          faults.flaky.includes(ordinal) ? INTERNAL : refuses(...faults.rejected)(call, ordinal),
      });
      const messages = requests.map(({ groupId, userIds }) => message(groupId, userIds));
      const report = await run(messages);
      const sent = [...letters, ...rests].map(bodyOf);
      for (const [i, { groupId, userIds }] of requests.entries()) {
        const { messageId } = messages[i] ?? { messageId: '' };
        const moved = sent.filter(({ requestId }) => requestId === messageId).flatMap(({ userIds: some }) => some);
        const lost = userIds.filter((id) => !members(groupId).includes(id) && !moved.includes(id));
        if (!report.retained.includes(messageId)) expect(lost).toEqual([]);
        expect(new Set(moved).size).toBe(moved.length);
        const { results = [] } = report.groups.find((group) => group.groupId === groupId) ?? {};
        const result = results.find(({ requestId }) => requestId === messageId);
        expect((result?.joined ?? 0) + (result?.refused ?? 0) + (result?.undecided ?? 0)).toBe(userIds.length);
        if (result?.joined === userIds.length)
          expect([report.retained.includes(messageId), moved]).toEqual([false, []]);
      }
      const kept = new Set([...report.retained, ...sent.map(({ requestId }) => requestId)]);
      expect(report.done).toBe(messages.length - kept.size);
    }),
    { numRuns: 100 },
  );
});
