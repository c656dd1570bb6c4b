import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAX_BYTES } from '../../lib/queue/send.ts';
import { SERVICE } from '../helpers/claims.ts';
import { startTestSandbox, type TestSandbox } from '../helpers/sandbox.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox?.close());
const emptied = () =>
  expect.poll(() => Object.values(sandbox.queue.counts), { timeout: 15_000, interval: 50 }).toEqual([0, 0, 0]);
const letters = () => sandbox.deadLetterQueue.receive(10);

it('dead-letters bodies up to 1 MiB as they came, without attributes where these do not fit', async () => {
  const full = 'x'.repeat(MAX_BYTES);
  const nearlyFull = 'y'.repeat(MAX_BYTES - 200);
  sandbox.queue.send(full);
  sandbox.queue.send(nearlyFull);
  await emptied();
  const byBody = new Map(letters().map(({ body, attributes }) => [body, Object.keys(attributes).sort()]));
  expect(byBody).toEqual(
    new Map([
      [full, []],
      [nearlyFull, ['code', 'failedCount', 'requestId']],
    ]),
  );
});

it('joins the users of the largest request there is', async () => {
  const userIds = Array.from({ length: 2500 }, (_, i) => `${i}`.padEnd(64, '\uffff'));
  const token = await sandbox.issuer.token(SERVICE);
  const { status } = await sandbox.post('g', {
    token,
    body: JSON.stringify({ userIds }),
    headers: { Prefer: 'respond-async' },
  });
  expect(status).toBe(202);
  await emptied();
  expect(sandbox.im.primary.app.groups.members('g')).toHaveLength(2500);
  expect(letters()).toEqual([]);
});
