import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAnnounce, type GroupResults, type RequestResult } from '../../../lib/queue/events.ts';
import { neverAnswers, startFaultyServer } from '../../helpers/faulty-server.ts';
import { type LocalEventBus, startLocalEventBus } from '../../helpers/local-event-bus.ts';

const SOURCE = 'rongcloud-group-join.prod';
let local: LocalEventBus;
beforeEach(async () => {
  local = await startLocalEventBus();
});
afterEach(() => local.close());

const announce = (groups: GroupResults[], bus = 'results') =>
  createAnnounce({ client: local.client, bus, source: SOURCE })(groups);
const result = (requestId: string, refused = 0): RequestResult => ({
  ...{ requestId, joined: 1, refused, undecided: 0 },
  ...(refused > 0 && { code: 'UPSTREAM_REJECTED' }),
});
const groups = (count: number): GroupResults[] =>
  Array.from({ length: count }, (_, i) => ({ groupId: `g${i}`, results: [result(`r${i}`)] }));
const details = () => local.bus.events.map(({ detail }) => detail);

describe('createAnnounce', () => {
  it('puts one event for each group, with the counts of its requests', async () => {
    const told = [
      { groupId: 'g\ufffe😀"', results: [result('r-1', 2), result('r-2')] },
      { groupId: 'g2', results: [result('r-3')] },
    ];
    expect(await announce(told)).toBeUndefined();
    expect(local.bus.events).toMatchObject([
      { source: SOURCE, 'detail-type': 'Joins Settled', detail: told[0] },
      { source: SOURCE, 'detail-type': 'Joins Settled', detail: told[1] },
    ]);
    expect(local.requests).toEqual([2]);
  });

  it('asks nothing of the bus when there is nothing to tell', async () => {
    expect(await announce([])).toBeUndefined();
    expect(local.requests).toEqual([]);
  });

  it('puts at most 10 events in a request', async () => {
    const told = groups(95);
    expect(await announce(told)).toBeUndefined();
    expect(details()).toHaveLength(95);
    expect(details()).toEqual(expect.arrayContaining(told));
    expect(local.requests.sort((a, b) => a - b)).toEqual([5, ...Array(9).fill(10)]);
  });

  it('splits the results of a group that are too many for an event', async () => {
    const results = Array.from({ length: 10_000 }, (_, i) => result(`${i}`.padStart(36, 'r'), i % 2));
    expect(await announce([{ groupId: 'g', results }, ...groups(1)])).toBeUndefined();
    expect(details().length).toBeGreaterThan(4);
    const told = details().flatMap((detail) => ('results' in detail ? detail.results : []));
    const texts = (some: unknown[]) => some.flat().map((one) => JSON.stringify(one));
    expect(texts(told).sort()).toEqual(texts([...results, result('r0')]).sort());
    for (const { detail } of local.bus.events) {
      expect(Buffer.byteLength(JSON.stringify(detail))).toBeLessThanOrEqual(250_000);
    }
    // Two large parts do not fit into one request.
    expect(Math.max(...local.requests)).toBeLessThanOrEqual(2);
  });

  it('sends a result that alone is too large on its own: whoever invokes the door may give a message any id', async () => {
    const long = 'x'.repeat(250_000);
    await announce([{ groupId: 'g', results: [result('r1'), result(long), result('r2')] }]);
    const told = ['r1', long, 'r2'].map((requestId) => ({ groupId: 'g', results: [result(requestId)] }));
    expect(details()).toHaveLength(3);
    expect(details()).toEqual(expect.arrayContaining(told));
  });

  it('says how many events the bus refused, and why', async () => {
    expect(await announce(groups(12), 'none')).toEqual({
      events: 12,
      lost: 12,
      cause: expect.objectContaining({
        message: expect.stringMatching(/refused \d+ events: ResourceNotFoundException/),
      }),
    });
  });

  it('loses only the requests that fail, and gives the cause', async () => {
    await local.aws.close();
    expect(await announce(groups(25))).toEqual({ events: 25, lost: 25, cause: expect.any(Error) });
  });

  it('waits no longer than its time for all of them together', async () => {
    const hanging = await startFaultyServer(neverAnswers);
    local.client.config.endpoint = async () => {
      const { protocol, hostname, port } = new URL(hanging.url);
      return { protocol, hostname, port: Number(port), path: '/' };
    };
    let asked: number | undefined;
    const timeout = (ms: number) => {
      asked = ms;
      return AbortSignal.timeout(100);
    };
    const told = createAnnounce({ client: local.client, bus: 'results', source: SOURCE, timeout })(groups(200));
    expect(await told).toEqual({ events: 200, lost: 200, cause: expect.any(Error) });
    // As long as the messages to the queues may take, which go out at the same time.
    expect(asked).toBe(4000);
    await hanging.close();
  });
});

describe('the patterns in docs/queue.md', () => {
  type Pattern = { [name: string]: Pattern | unknown[] };
  const page = readFileSync(new URL('../../../docs/queue.md', import.meta.url), 'utf8');
  const [, events = ''] = page.split('\n## Events\n');
  const blocks = [...(events.split('\n## ')[0] ?? '').matchAll(/```json\n([\s\S]*?)```/g)];
  const [example, ...patterns] = blocks.map(([, json = '']): Pattern => JSON.parse(json));

  /** What EventBridge does with the parts of patterns that the page uses: https://github.com/aws/event-ruler */
  function matches(pattern: Pattern | unknown[], value: unknown): boolean {
    if (Array.isArray(value)) return value.some((one) => matches(pattern, one));
    if (Array.isArray(pattern)) return pattern.some((wanted) => equals(wanted, value));
    return Object.entries(pattern).every(([name, part]) => matches(part, Object(value)[name]));
  }
  function equals(wanted: unknown, value: unknown): boolean {
    if (typeof wanted !== 'object' || wanted === null) return wanted === value;
    expect(wanted).toEqual({ numeric: ['>', 0] });
    return typeof value === 'number' && value > 0;
  }
  const eventsOf = async (...told: GroupResults[]) => {
    await announce(told);
    return local.bus.events;
  };

  it('are as many as there are, beside an example of the event that is put', async () => {
    expect(patterns).toHaveLength(2);
    const told = [result('import-7:42', 1), result('import-7:43')].map((one, i) => ({ ...one, joined: 2 - i }));
    const [event] = await eventsOf({ groupId: 'team-1', results: told });
    expect(event).toMatchObject(example ?? {});
  });

  it('pick one request, and events with somebody refused', async () => {
    const [ofRequest = {}, ofFailures = {}] = patterns;
    const put = await eventsOf(
      { groupId: 'a', results: [result('r-1'), result('import-7:42')] },
      { groupId: 'b', results: [result('r-2'), result('r-3', 1)] },
    );
    expect(put.map((event) => matches(ofRequest, event))).toEqual([true, false]);
    expect(put.map((event) => matches(ofFailures, event))).toEqual([false, true]);
    expect(put.map((event) => matches(ofFailures, { ...event, source: 'rongcloud-group-join.dev' }))).not.toContain(
      true,
    );
  });
});
