import { expect, it } from 'vitest';
import { type FieldError, JoinError } from '../../lib/errors.ts';
import type { Caller } from '../../lib/identity/caller.ts';
import type { JoinUsers } from '../../lib/join/join-users.ts';
import { type Ask, ask, service } from '../helpers/http-door.ts';
import { fits, openapi, operation, responses } from '../helpers/openapi.ts';

const alice: Caller = { kind: 'user', userId: 'alice', groupPatterns: ['team-*'], claims: {} };
const { examples: bodies = {} } = operation().requestBody.content['application/json'] ?? {};
const body = (name: string) => JSON.stringify(bodies[name]?.value);
const enqueue = async () => undefined;

/** Fails for the last users. */
const lastFail =
  (count: number, error: JoinError): JoinUsers =>
  async ({ groupId, userIds }) => {
    const offset = userIds.length - count;
    return { groupId, joined: userIds.slice(0, offset), failed: [{ offset, userIds: userIds.slice(offset), error }] };
  };

/** What leads to each example of an answer. */
const REQUESTS: Record<string, Ask> = {
  '200 self': { caller: alice, body: body('self') },
  '200 others': { caller: service, body: body('others') },
  '202 later': { caller: alice, body: body('self'), headers: { prefer: 'respond-async' }, enqueue },
  '202 soon': {
    caller: service,
    body: body('others'),
    headers: { prefer: 'respond-async, wait=2' },
    enqueue,
    joinUsers: lastFail(1, new JoinError('UPSTREAM_TIMEOUT')),
  },
  '207 refused': {
    caller: service,
    body: body('others'),
    joinUsers: lastFail(1, new JoinError('UPSTREAM_REJECTED', { upstreamCode: 400 })),
  },
  '207 name': {
    caller: service,
    body: body('others'),
    joinUsers: async ({ groupId, userIds }) => ({
      groupId,
      joined: userIds,
      failed: [],
      nameError: new JoinError('UPSTREAM_REJECTED', { upstreamCode: 1002 }),
    }),
  },
  '400 bad': { caller: service, body: '{"userIds":["carol",7],"extra":1}' },
  '503 down': {
    caller: service,
    body: body('others'),
    joinUsers: lastFail(2, new JoinError('UPSTREAM_UNAVAILABLE', { upstreamCode: 1000 })),
  },
};

const examples = responses().flatMap(([status, { content }]) =>
  Object.values(content).flatMap(({ examples = {} }) =>
    Object.entries(examples).map(([name, { value }]) => [`${status} ${name}`, value] as const),
  ),
);

it('each request that is shown leads to an answer that is shown', () => {
  expect(examples.map(([name]) => name)).toEqual(Object.keys(REQUESTS));
  const sent = Object.values(REQUESTS).map((request) => request.body);
  for (const name of Object.keys(bodies)) expect(sent).toContain(body(name));
});

it.each(examples)('the door answers the example %s', async (name, value) => {
  const { requestId, ...shown } = value as { requestId: string; errors?: FieldError[] };
  const { statusCode, json } = await ask({ groupId: 'team-1', ...REQUESTS[name] });
  expect([`${statusCode}`, json]).toEqual([name.split(' ')[0], { ...shown, requestId: 'aws-1' }]);
  expect(fits('RequestId', requestId)).toBe(true);
});

it('the examples of messages fit', () => {
  const shown = Object.entries(openapi.components.schemas).flatMap(([name, { examples = [] }]) =>
    (examples as unknown[]).map((example) => [name, fits(name, example)]),
  );
  expect(shown).toEqual([['InvokeEvent', true]]);
});
