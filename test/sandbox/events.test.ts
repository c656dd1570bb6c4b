import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../helpers/sandbox.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox?.close());

it('shows people what the queue door told of its batches', async () => {
  const shown = async () => (await fetch(`${sandbox.awsUrl}/_sandbox/events`)).json();
  expect(await shown()).toEqual([]);
  sandbox.im.primary.app.unknownUsers.add('ghost');
  sandbox.queue.send(JSON.stringify({ groupId: 'g', userIds: ['a', 'ghost'], requestId: 'r-1' }));
  await expect.poll(shown, { timeout: 15_000 }).toMatchObject([
    {
      source: 'rongcloud-group-join.local',
      'detail-type': 'Joins Settled',
      detail: {
        groupId: 'g',
        results: [{ requestId: 'r-1', joined: 1, refused: 1, undecided: 0, code: 'UPSTREAM_REJECTED' }],
      },
    },
  ]);
  expect(await shown()).toEqual(sandbox.events);
});

it('shows them to nobody else, and nothing else', async () => {
  const status = async (path: string, init?: RequestInit) => (await fetch(`${sandbox.awsUrl}${path}`, init)).status;
  expect(await status('/_sandbox/events', { headers: { Origin: 'https://a.example' } })).toBe(403);
  expect(await status('/_sandbox/events', { method: 'POST' })).toBe(400);
  expect(await status('/toString')).toBe(400);
});
