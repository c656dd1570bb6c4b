import { once } from 'node:events';
import http from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connections } from '../../../lib/rongcloud/connections.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { answers, type FaultyServer, joins, startFaultyServer } from '../../helpers/faulty-server.ts';

let server: FaultyServer;
let clock: { ms: number };
let connections: Connections;
beforeEach(async () => {
  server = await startFaultyServer(joins);
  clock = { ms: 1_700_000_000_000 };
  connections = new Connections(
    new http.Agent({ keepAlive: true }),
    clockOf(() => clock.ms),
  );
});
afterEach(async () => {
  connections.agent.destroy();
  await server.close();
});

/** One request with its answer; its connection is idle afterwards. */
async function request(): Promise<void> {
  const sent = http.request(server.url, { method: 'POST', agent: connections.agent }).end();
  const [answer]: http.IncomingMessage[] = await once(sent, 'response');
  answer?.resume();
  await once(sent, 'close');
  await setImmediate();
}

describe('Connections', () => {
  it('carries 79 requests on a connection and the 80th on the next', async () => {
    for (let i = 0; i < 80; i++) await request();
    expect(server.seen.map(({ connection }) => connection)).toEqual([...Array(79).fill(1), 2]);
  });

  it.each([
    [49_999, 1],
    [50_000, 2],
  ])('after %i ms idle by the wall clock has opened %i connections', async (idleMs, opened) => {
    await request();
    clock.ms += idleMs;
    connections.dropIdle();
    await request();
    expect(server.connections).toBe(opened);
  });

  it('counts idle time from the last request on', async () => {
    for (let i = 0; i < 3; i++) {
      await request();
      clock.ms += 40_000;
      connections.dropIdle();
    }
    expect(server.connections).toBe(1);
  });

  it('drops all that are idle when told to, and none that is in use', async () => {
    const held: (() => void)[] = [];
    server.behave({
      onRequest: (socket, seen) => void held.push(() => joins.onRequest?.(socket, seen)),
    });
    const [first, second] = [request(), request()];
    await expect.poll(() => held.length).toBe(2);
    held[0]?.();
    await first;
    connections.dropAllIdle();
    held[1]?.();
    await second;
    server.behave(joins);
    await request();
    await request();
    expect(server.seen.map(({ connection }) => connection)).toEqual([1, 2, 2, 2]);
  });

  it.each([
    ['says so', { Connection: 'close' }],
    ['closes it within a second', { 'Keep-Alive': 'timeout=1' }],
  ])('keeps none whose server %s', async (_name, headers) => {
    server.behave(answers(200, '{"code":200}', headers));
    await request();
    await request();
    expect(server.connections).toBe(2);
  });
});
