import { expect, it, vi } from 'vitest';
import type { Caller } from '../../lib/identity/caller.ts';
import type { Enqueue } from '../../lib/join/join-or-queue.ts';
import { clockOf } from '../helpers/clock-of.ts';
import { createHttpHandler } from '../helpers/described-doors.ts';
import { httpEvent } from '../helpers/http-event.ts';

/** What the HTTP door gives to the queue for a caller. */
async function enqueued(caller: Caller, groupId: string): Promise<Parameters<Enqueue>[]> {
  const enqueue = vi.fn<Enqueue>(async () => undefined);
  const handler = createHttpHandler({
    authenticate: async () => caller,
    decide: () => ({ allowed: true }),
    sleep: async () => undefined,
    isRateLimited: () => false,
    joinUsers: async () => ({ groupId, joined: [], failed: [] }),
    telemetry: { request: () => {}, sending: () => {} },
    random: () => 0,
    clock: clockOf(() => 0),
    enqueue,
  });
  const event = httpEvent({
    headers: { authorization: 'Bearer t', prefer: 'respond-async' },
    pathParameters: { groupId },
    body: '{"userIds":["alice"]}',
  });
  const invocation = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 15_000 };
  expect((await handler(event, invocation)).statusCode).toBe(202);
  return enqueue.mock.calls;
}

it('queues the requests of a service under one name, whatever the group', async () => {
  const service: Caller = { kind: 'service', claims: { client_id: 'backend', sub: 'backend' } };
  const senders = [];
  for (const groupId of ['g1', 'g2']) {
    const [[request, requestId, sender] = []] = await enqueued(service, groupId);
    expect(request).toEqual({ groupId, userIds: ['alice'] });
    expect(requestId).toBe('aws-1');
    senders.push(sender);
  }
  expect(senders[0]).toMatch(/^[\da-f]{32}$/);
  expect(senders[1]).toBe(senders[0]);
});

it('queues the requests of users under no name', async () => {
  const claims = { client_id: 'app', sub: 'alice' };
  const alice: Caller = { kind: 'user', userId: 'alice', groupPatterns: [], claims };
  expect(await enqueued(alice, 'g1')).toEqual([[{ groupId: 'g1', userIds: ['alice'] }, 'aws-1', undefined]]);
});
