import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fieldOf } from '../../functions/event-field.ts';
import { createHandler as createQueueHandler } from '../../functions/queue.ts';
import { createAuthenticator } from '../../lib/identity/authenticate.ts';
import { createOriginCheck } from '../../lib/identity/origin.ts';
import type { JoinUsers } from '../../lib/join/join-users.ts';
import { silent } from '../../tools/sim/silent-telemetry.ts';
import { createBatchWorld } from '../helpers/batch-world.ts';
import { clockOf } from '../helpers/clock-of.ts';
import { createHttpHandler, createInvokeHandler } from '../helpers/described-doors.ts';
import { FOREIGN_EVENTS } from '../helpers/foreign-events.ts';
import { service } from '../helpers/http-door.ts';
import { RULES } from '../helpers/tokens.ts';

// Whatever an event holds: no door has a bug that it could meet.
const invocation = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 15_000 };
const joinUsers: JoinUsers = async ({ groupId, userIds }) => ({ groupId, joined: userIds, failed: [] });
const telemetry = { request: () => {}, sending: () => {} };
const clock = clockOf(() => 0);

const junk = fc.oneof(fc.jsonValue(), fc.constantFrom(...FOREIGN_EVENTS.map(([, event]) => event)));

/** The first, or now and then one of the others. */
const oftenFirst = <Text extends string>(first: Text, ...others: Text[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(first) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
/** What is meant, or now and then anything. */
const mostly = <Meant>(meant: fc.Arbitrary<Meant>) =>
  fc.oneof({ weight: 15, arbitrary: meant }, { weight: 1, arbitrary: junk });
const id = mostly(oftenFirst('a', 'b', '', ' ', '\ufffd', '..', 'a/b'));
const ids = mostly(fc.array(id, { maxLength: 3 }));

it('the HTTP door answers any event, and never with a bug', async () => {
  const authenticate = createAuthenticator({
    rules: RULES,
    keys: { find: () => Promise.reject(new Error('no key')), findNewer: () => Promise.resolve([]) },
    clock,
  });
  const handler = createHttpHandler({
    authenticate: async (authorization) => (authorization === 'Bearer t' ? service : authenticate(authorization)),
    checkOrigin: createOriginCheck(['origin']),
    decide: () => ({ allowed: true }),
    sleep: async () => undefined,
    isRateLimited: () => false,
    enqueue: async () => undefined,
    ...{ joinUsers, telemetry, clock, random: () => 0 },
  });
  const body = fc.record({ userIds: ids, groupName: mostly(fc.string()), more: junk }, { requiredKeys: ['userIds'] });
  const text = fc.oneof(
    body.map((value) => JSON.stringify(value)),
    body.map((value) => Buffer.from(JSON.stringify(value)).toString('base64')),
    fc.constant('{"userIds":["a"]}'),
    fc.string(),
  );
  const headers = fc.record(
    {
      authorization: mostly(oftenFirst('Bearer t', 'Bearer a.b.c', 'Basic t', '')),
      'x-origin-verify': mostly(fc.constant('origin')),
      'content-type': mostly(oftenFirst('application/json', 'text/plain', ';', '')),
      prefer: mostly(fc.constantFrom('respond-async', 'respond-async, wait=2', '"')),
      'x-request-id': mostly(fc.constant('mine')),
      traceparent: junk,
    },
    { requiredKeys: ['authorization', 'x-origin-verify'] },
  );
  const meant = fc.record(
    {
      requestContext: mostly(fc.constant({ http: {} })),
      headers: mostly(headers),
      pathParameters: mostly(fc.record({ groupId: id })),
      body: mostly(text),
      isBase64Encoded: mostly(fc.boolean()),
    },
    { requiredKeys: ['requestContext', 'headers', 'pathParameters', 'body'] },
  );
  const statuses = new Set<unknown>();
  const property = fc.asyncProperty(mostly(meant), async (event) => {
    const { statusCode } = await handler(event, invocation);
    statuses.add(statusCode);
    expect(statusCode).not.toBe(500);
  });
  await fc.assert(property, { numRuns: 3000 });
  // It comes past every check.
  expect([...statuses].sort()).toEqual([200, 202, 400, 401, 403, 415]);
});

it('the queue door accounts for every record that it can name, whatever a batch holds, and else throws', async () => {
  const body = fc.record({ groupId: id, userIds: ids, more: junk }, { requiredKeys: ['groupId', 'userIds'] });
  const record = fc.record(
    {
      body: mostly(
        fc.oneof(
          body.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
      ),
      attributes: mostly(
        fc.record(
          {
            SentTimestamp: mostly(oftenFirst('5', '0', '-1', 'now')),
            ApproximateReceiveCount: junk,
            MessageGroupId: junk,
          },
          { requiredKeys: ['SentTimestamp'] },
        ),
      ),
      messageAttributes: mostly(fc.record({ firstSentAt: mostly(fc.record({ stringValue: junk })) })),
      receiptHandle: mostly(fc.constant('r')),
      messageId: fc.oneof({ weight: 30, arbitrary: fc.uuid() }, { weight: 1, arbitrary: junk }),
    },
    { requiredKeys: ['messageId'] },
  );
  const judge = ({ userIds }: { userIds: readonly string[] }) =>
    userIds.includes('b') ? 'UPSTREAM_REJECTED' : undefined;
  const ends = new Set<string>();
  const property = fc.asyncProperty(mostly(fc.record({ Records: mostly(fc.array(record)) })), async (event) => {
    const { run } = createBatchWorld({ judge });
    const handler = createQueueHandler({ joinBatch: run, telemetry: silent, clock });
    const records = fieldOf(event, 'Records');
    const ids = Array.isArray(records) ? records.map((one) => fieldOf(one, 'messageId')) : [undefined];
    const kept = await handler(event, invocation).then(
      ({ batchItemFailures }) => batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
      ({ message }: Error) => message,
    );
    ends.add(typeof kept === 'string' ? kept : kept.length > 0 ? 'kept' : 'done');
    expect(typeof kept === 'string').toBe(ids.some((messageId) => typeof messageId !== 'string' || messageId === ''));
    if (typeof kept === 'string' || !Array.isArray(records)) return;
    expect(ids).toEqual(expect.arrayContaining(kept));
    const unreadable = records.filter((one) => typeof fieldOf(one, 'body') !== 'string');
    expect(kept).toEqual(expect.arrayContaining(unreadable.map((one) => fieldOf(one, 'messageId'))));
  });
  await fc.assert(property, { numRuns: 1000 });
  const expected = 'This function expects a batch of SQS: a list of Records, each with a messageId.';
  expect([...ends].sort()).toEqual([expected, 'done', 'kept']);
});

it('the Invoke door answers any event or throws why not, and never a bug', async () => {
  const handler = createInvokeHandler({ joinUsers, telemetry, clock });
  const meant = fc.record(
    { groupId: id, userIds: ids, groupName: mostly(fc.string()), requestId: junk, more: junk },
    { requiredKeys: ['groupId', 'userIds'] },
  );
  const ends = new Set<string>();
  const property = fc.asyncProperty(mostly(meant), async (event) => {
    const end = await handler(event, invocation).then(
      () => 'joined',
      ({ name }: Error) => name,
    );
    ends.add(end);
  });
  await fc.assert(property, { numRuns: 2000 });
  expect([...ends].sort()).toEqual(['INVALID_REQUEST', 'joined']);
});
