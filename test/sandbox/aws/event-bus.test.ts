import { PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalEventBus, startLocalEventBus } from '../../helpers/local-event-bus.ts';

let local: LocalEventBus;
beforeEach(async () => {
  local = await startLocalEventBus();
});
afterEach(() => local.close());

const good = { EventBusName: 'results', Source: 'me', DetailType: 'T', Detail: '{"a":1}' };
const put = (...Entries: PutEventsRequestEntry[]) => local.client.send(new PutEventsCommand({ Entries }));

describe('the stand-in EventBridge', () => {
  it('keeps events as rules would see them', async () => {
    const sent = { ...good, Time: new Date(0), Resources: ['arn:aws:s3:::x'] };
    const { FailedEntryCount: failed, Entries: entries = [] } = await put(sent);
    expect(failed).toBe(0);
    expect(local.bus.events).toEqual([
      {
        version: '0',
        id: entries[0]?.EventId,
        source: 'me',
        'detail-type': 'T',
        detail: { a: 1 },
        account: '000000000000',
        region: 'us-east-1',
        resources: [],
        time: expect.stringMatching(/^2\d{3}-/),
      },
    ]);
  });

  it.each([
    ['another bus', { EventBusName: 'none' }, 'ResourceNotFoundException'],
    ['no source', { Source: '' }, 'InvalidArgument'],
    ["AWS's own source", { Source: 'aws.s3' }, 'InvalidArgument'],
    ['no detail type', { DetailType: undefined }, 'InvalidArgument'],
    ['a detail that is no JSON', { Detail: '{' }, 'MalformedDetail'],
    ['a detail that is no object', { Detail: '[]' }, 'MalformedDetail'],
    [
      'a detail that is too deep to be shown',
      { Detail: `{"a":${'['.repeat(9000)}${']'.repeat(9000)}}` },
      'MalformedDetail',
    ],
    ['no detail', { Detail: undefined }, 'MalformedDetail'],
  ])('refuses an event with %s, and takes its neighbour', async (_, bad, ErrorCode) => {
    const answer = await put({ ...good, ...bad }, good);
    expect(answer).toMatchObject({ FailedEntryCount: 1, Entries: [{ ErrorCode }, { EventId: expect.any(String) }] });
    expect(local.bus.events).toHaveLength(1);
  });

  it('takes 1 to 10 events of 1 MB together', async () => {
    const half = { ...good, Detail: JSON.stringify({ a: 'x'.repeat(1024 * 512 - 20) }) };
    expect((await put(half, half)).FailedEntryCount).toBe(0);
    await expect(put(half, half, { ...good, Detail: JSON.stringify({ a: 'x'.repeat(40) }) })).rejects.toMatchObject({
      name: 'ValidationException',
    });
    await expect(put()).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(put(...Array(11).fill(good))).rejects.toMatchObject({ name: 'ValidationException' });
    expect((await put(...Array(10).fill(good))).FailedEntryCount).toBe(0);
  });

  it('keeps the latest 1000', async () => {
    for (let i = 0; i <= 100; i++) await put(...Array(10).fill({ ...good, Detail: `{"i":${i}}` }));
    expect(local.bus.events).toHaveLength(1000);
    expect(local.bus.events[0]?.detail).toEqual({ i: 1 });
  });
});
