import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MAX_BYTES } from '../../../lib/aws/sqs.ts';
import { MEMBER, memberGroup, REFUSED, SERVICE } from '../../helpers/claims.ts';
import { startTestSandbox, type TestSandbox } from '../../helpers/sandbox.ts';

let sandbox: TestSandbox;
let alice: string;
let service: string;
const TEAM = memberGroup('team-1');
const app = () => sandbox.im.primary.app;
const calls = () => sandbox.im.primary.calls;
beforeAll(async () => {
  sandbox = await startTestSandbox({ visibilityTimeoutMs: 20_000 });
  alice = await sandbox.issuer.token(MEMBER);
  service = await sandbox.issuer.token(SERVICE);
});
afterAll(() => sandbox?.close());
beforeEach(() => {
  app().groups.clear();
  calls().length = 0;
  sandbox.im.primary.fault.set(undefined);
});
const people = (count: number, prefix = 'user-') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const idle = () => Object.values(sandbox.queue.counts).every((count) => count === 0);
const emptied = (timeout = 20_000) => expect.poll(idle, { timeout, interval: 50 }).toBe(true);
const later = { Prefer: 'respond-async' };
const deadLetters = () => {
  const letters = sandbox.deadLetterQueue.receive(1000);
  for (const { receiptHandle } of letters) sandbox.deadLetterQueue.delete(receiptHandle);
  return letters.map(({ body, attributes }) => ({
    body,
    ...Object.fromEntries(Object.entries(attributes).map(([name, { StringValue }]) => [name, StringValue])),
  }));
};

describe('Prefer: respond-async', () => {
  it('answers 202 once the queue has it, and the users join', async () => {
    const { status, headers, json } = await sandbox.post(TEAM, {
      token: alice,
      headers: { ...later, 'X-Request-ID': 'mine' },
    });
    expect(status).toBe(202);
    expect(json).toEqual({ groupId: TEAM, queued: ['alice'], requestId: 'mine' });
    expect(headers.get('preference-applied')).toBe('respond-async');
    expect(headers.get('x-request-id')).toBe('mine');
    await emptied();
    expect(app().groups.members(TEAM)).toEqual(['alice']);
    expect(sandbox.logs.filter((line) => line.includes('"messages":["mine"]'))).toHaveLength(1);
  });

  it('is read in each way to write it', async () => {
    for (const prefer of ['Respond-Async', 'wait=0, respond-async', 'respond-async; x=1', 'foo,respond-async,bar']) {
      const { status } = await sandbox.post(TEAM, { token: alice, headers: { Prefer: prefer } });
      expect([prefer, status]).toEqual([prefer, 202]);
    }
    await emptied();
  });

  it('joins at once with a wait, and queues what RongCloud does not answer in time', async () => {
    const headers = { Prefer: 'respond-async, wait=1' };
    expect(await sandbox.post(TEAM, { token: alice, headers })).toMatchObject({ status: 200 });
    for (const domain of [sandbox.im.primary, sandbox.im.backup]) domain.fault.set({ kind: 'hang' });
    const { status, json } = await sandbox.post(memberGroup('team-2'), { token: alice, headers });
    for (const domain of [sandbox.im.primary, sandbox.im.backup]) domain.fault.set(undefined);
    expect([status, json.queued]).toEqual([202, ['alice']]);
    await emptied();
    expect(app().groups.members(memberGroup('team-2'))).toEqual(['alice']);
  });

  it.each(['return=minimal', 'respond-asynchronously', 'x="respond-async"', ''])(
    'finds no such preference in "%s"',
    async (prefer) => {
      expect((await sandbox.post(TEAM, { token: alice, headers: { Prefer: prefer } })).status).toBe(200);
    },
  );

  it('queues nothing that is not allowed or not valid', async () => {
    const mallory = await sandbox.issuer.token(REFUSED.claims);
    const statuses = [
      await sandbox.post(TEAM, { headers: later }),
      await sandbox.post(TEAM, { token: alice, body: 'x', headers: { ...later, 'Content-Type': 'text/plain' } }),
      await sandbox.post(TEAM, { token: alice, body: '{"userIds":[""]}', headers: later }),
      await sandbox.post(TEAM, { token: mallory, body: REFUSED.body, headers: later }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 415, 400, 403]);
    expect(idle()).toBe(true);
  });

  it('carries ids that SQS can not carry as they are', async () => {
    const ids = ['\ufffe', 'a\uffff', '😀', '用户', '%41', 'a&b'];
    const { status } = await sandbox.post('g', {
      token: service,
      body: JSON.stringify({ userIds: ids }),
      headers: later,
    });
    expect(status).toBe(202);
    await emptied();
    expect(app().groups.members('g')).toEqual(ids);
  });
});

describe('the queue door, end to end', () => {
  it('joins 10 000 users of 10 groups from a message each in few calls, none of them refused', async () => {
    const groups = people(10, 'group-');
    for (let i = 0; i < 10_000; i++) {
      sandbox.queue.send(JSON.stringify({ groupId: groups[i % 10], userIds: [`user-${i}`] }));
    }
    await emptied(60_000);
    for (const group of groups) expect(app().groups.members(group)).toHaveLength(1000);
    expect(calls().filter(({ code }) => code !== 200)).toEqual([]);
    // Ten batches of 1000 messages, ten groups in each.
    expect(calls().length).toBeLessThanOrEqual(10 * 10);
    const starts = calls().map(({ at }) => at);
    for (const [i, at] of starts.entries()) {
      expect(starts.slice(i).filter((other) => other - at < 1000).length).toBeLessThanOrEqual(60);
    }
    expect(deadLetters()).toEqual([]);
  }, 90_000);

  it('lets everyone join who can, and puts the rest on the dead-letter queue with the reason', async () => {
    const full = people(2997, 'early-');
    for (let start = 0; start < full.length; start += 1000) {
      await sandbox.invoke({ groupId: 'full', userIds: full.slice(start, start + 1000) });
    }
    app().unknownUsers.add('ghost');
    const withGhost = { groupId: 'ok', userIds: ['fine-9', 'ghost', 'fine-8'], requestId: 'r-1' };
    for (const userId of people(5, 'late-'))
      sandbox.queue.send(JSON.stringify({ groupId: 'full', userIds: [userId], requestId: userId }));
    sandbox.queue.send('malformed');
    sandbox.queue.send(JSON.stringify(withGhost));
    for (const userId of people(4, 'fine-')) sandbox.queue.send(JSON.stringify({ groupId: 'ok', userIds: [userId] }));
    await emptied();
    expect(app().groups.members('full')).toHaveLength(3000);
    expect(app().groups.members('ok').sort()).toEqual([...people(4, 'fine-'), 'fine-8', 'fine-9']);
    const letters = deadLetters();
    expect(letters).toHaveLength(4);
    expect(letters).toEqual(
      expect.arrayContaining([
        {
          body: 'malformed',
          code: 'INVALID_REQUEST',
          requestId: expect.any(String),
          failedCount: '0',
          errors: '[{"pointer":"","detail":"Must be valid JSON in UTF-8."}]',
        },
        {
          body: JSON.stringify({ ...withGhost, userIds: ['ghost'] }),
          code: 'UPSTREAM_REJECTED',
          requestId: 'r-1',
          failedCount: '1',
        },
        expect.objectContaining({ code: 'GROUP_FULL', requestId: 'late-3', failedCount: '1' }),
        expect.objectContaining({ code: 'GROUP_FULL', requestId: 'late-4', failedCount: '1' }),
      ]),
    );
  });

  it('tries again what failed, until it succeeds', async () => {
    for (const domain of [sandbox.im.primary, sandbox.im.backup]) domain.fault.set({ kind: 'status', status: 500 });
    for (const userId of people(20)) sandbox.queue.send(JSON.stringify({ groupId: 'g', userIds: [userId] }));
    const retained = () => sandbox.logs.filter((line) => line.includes('"retained":20')).length;
    await expect.poll(retained, { timeout: 10_000 }).toBe(1);
    expect(app().groups.members('g')).toEqual([]);
    for (const domain of [sandbox.im.primary, sandbox.im.backup]) domain.fault.set(undefined);
    // They would come back within a minute.
    await expect.poll(() => sandbox.queue.counts.hidden).toBe(20);
    sandbox.queue.showAll();
    await emptied();
    expect(app().groups.members('g').toSorted()).toEqual(people(20).toSorted());
    expect(deadLetters()).toEqual([]);
  });
});

describe('large messages', () => {
  it('become dead letters up to 1 MiB as they came, without attributes where these do not fit', async () => {
    const full = 'x'.repeat(MAX_BYTES);
    const nearlyFull = 'y'.repeat(MAX_BYTES - 200);
    sandbox.queue.send(full);
    sandbox.queue.send(nearlyFull);
    await emptied();
    const names = deadLetters().map(({ body, ...attributes }) => [body, Object.keys(attributes).sort()] as const);
    expect(new Map(names)).toEqual(
      new Map([
        [full, []],
        [nearlyFull, ['code', 'errors', 'failedCount', 'requestId']],
      ]),
    );
  });

  it('are the largest request there is, whose users join', async () => {
    const userIds = people(2500, '').map((id) => id.padEnd(64, '\uffff'));
    const body = JSON.stringify({ userIds });
    expect((await sandbox.post('g', { token: service, body, headers: later })).status).toBe(202);
    await emptied();
    expect(app().groups.members('g')).toHaveLength(2500);
    expect(deadLetters()).toEqual([]);
  });
});

describe('what the queue door told of its batches', () => {
  it('is shown to people', async () => {
    const shown = async (): Promise<typeof sandbox.events> => {
      const response = await fetch(`${sandbox.consoleUrl}/_sandbox/events`);
      return JSON.parse(await response.text());
    };
    const told = async () => (await shown()).filter(({ detail }) => JSON.stringify(detail).includes('"told"'));
    app().unknownUsers.add('ghost');
    sandbox.queue.send(JSON.stringify({ groupId: 'told', userIds: ['a', 'ghost'], requestId: 'r-1' }));
    await expect.poll(told, { timeout: 15_000 }).toMatchObject([
      {
        source: 'rongcloud-group-join.local',
        'detail-type': 'Joins Settled',
        detail: {
          groupId: 'told',
          results: [{ requestId: 'r-1', joined: 1, refused: 1, undecided: 0, code: 'UPSTREAM_REJECTED' }],
        },
      },
    ]);
    expect(await shown()).toEqual(sandbox.events);
  });

  it('is shown to no page of another origin, and on no port of AWS', async () => {
    const headers = { Origin: 'https://a.example' };
    expect((await fetch(`${sandbox.consoleUrl}/_sandbox/events`, { headers })).status).toBe(403);
    expect((await fetch(`${sandbox.awsUrl}/_sandbox/events`)).status).toBe(400);
  });
});
