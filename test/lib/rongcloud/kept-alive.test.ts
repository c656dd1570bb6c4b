import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import tls from 'node:tls';
import { generate } from 'selfsigned';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../../../lib/clock.ts';
import { createTransport, DeadConnection, type Transport } from '../../../lib/rongcloud/transport.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import {
  answers,
  type Behavior,
  type FaultyServer,
  joins,
  neverAnswers,
  response,
  startFaultyServer,
} from '../../helpers/faulty-server.ts';

const JOINED = { status: 200, body: '{"code":200}', complete: true };
const CONNECT_TIMEOUT_MS = 300;
const CHUNKED = { 'Transfer-Encoding': 'chunked' };
const SHORT = { 'Content-Length': '12' };
const LONG = { 'Content-Length': '50' };
const closes: Behavior = { onRequest: (socket) => void socket.destroy() };

let server: FaultyServer;
let clock: { ms: number };
let transport: Transport;
beforeEach(async () => {
  server = await startFaultyServer(joins);
  clock = { ms: 1_700_000_000_000 };
  transport = createTransport({ connectTimeoutMs: CONNECT_TIMEOUT_MS, clock: clockOf(() => clock.ms) });
});
afterEach(async () => {
  transport.close();
  await server.close();
});

const post = (url = server.url, timeoutMs = 5000) =>
  transport.post({ url: new URL('/group/join.json', url), headers: {}, body: 'groupId=g', timeoutMs });
const connectionsUsed = () => server.seen.map(({ connection }) => connection);

describe("the transport's connections", () => {
  it('are used again, until they have been idle for 50 s by the wall clock', async () => {
    await post();
    clock.ms += 49_999;
    await post();
    clock.ms += 50_000;
    expect(await post()).toEqual(JOINED);
    expect(connectionsUsed()).toEqual([1, 1, 2]);
  });

  it('are closed with it', async () => {
    let closed = false;
    server.behave({ ...joins, onConnection: (socket) => void socket.on('close', () => (closed = true)) });
    await post();
    expect(closed).toBe(false);
    transport.close();
    await expect.poll(() => closed).toBe(true);
  });

  it('are dead if a used one closes before an answer, and then all that are idle are closed', async () => {
    const held: (() => void)[] = [];
    server.behave({ onRequest: (socket, seen) => void held.push(() => joins.onRequest?.(socket, seen)) });
    const two = [post(), post()];
    await expect.poll(() => held.length).toBe(2);
    for (const answer of held) answer();
    await Promise.all(two);
    server.behave(closes);
    const dead = await post();
    expect(dead).toBeInstanceOf(DeadConnection);
    expect(dead).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', outcome: 'unknown', cause: { code: 'ECONNRESET' } });
    server.behave(joins);
    expect(await post()).toEqual(JOINED);
    expect(connectionsUsed().at(-1)).toBe(3);
  });

  it.each([
    [
      'breaks off',
      (socket: Socket) => void socket.write(response(200, '{"code":', LONG), () => socket.resetAndDestroy()),
    ],
    ['breaks off in its first line', (socket: Socket) => void socket.write('HTTP/1.1 2', () => socket.destroy())],
    ['has a broken chunk', (socket: Socket) => void socket.write(`${response(200, '', CHUNKED)}not a chunk\r\n`)],
    ['is no HTTP', (socket: Socket) => void socket.write('nonsense\r\n\r\n')],
    ['goes on after its end', (socket: Socket) => void socket.write(`${response(200, '{"code":200}', SHORT)}nonsense`)],
  ])('are not dead if an answer on a used one %s', async (_what, onRequest) => {
    await post();
    server.behave({ onRequest });
    const broken = await post();
    expect(broken).toMatchObject({ code: 'UPSTREAM_UNREADABLE', outcome: 'unknown' });
    expect(broken).not.toBeInstanceOf(DeadConnection);
  });

  it.each([
    ['timeout=5', 3999, 1],
    ['timeout=5', 4000, 2],
    ['max=100, Timeout=5', 4000, 2],
    ['timeout=1', 0, 2],
    ['timeout=600', 49_999, 1],
    ['timeout=600', 50_000, 2],
    ['timeout=soon', 49_999, 1],
  ])('are used no longer than the server keeps them: %s, %i ms later there are %i', async (hint, laterMs, opened) => {
    server.behave(answers(200, '{"code":200}', { 'Keep-Alive': hint }));
    await post();
    clock.ms += laterMs;
    await post();
    expect(server.connections).toBe(opened);
  });

  it.each([-2000, -120_000, -3_600_000])('are not used after the wall clock was set by %i ms', async (byMs) => {
    let aheadMs = 0;
    const setClock = new Clock(
      () => clock.ms + aheadMs,
      () => clock.ms,
    );
    const other = createTransport({ clock: setClock });
    const send = () =>
      other.post({ url: new URL('/group/join.json', server.url), headers: {}, body: 'groupId=g', timeoutMs: 5000 });
    await send();
    clock.ms += 55_000;
    aheadMs = byMs;
    await send();
    expect(connectionsUsed()).toEqual([1, 2]);
    other.close();
  });

  it('are not dead if a new one closes before an answer', async () => {
    server.behave(closes);
    const broken = await post();
    expect(broken).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', cause: { code: 'ECONNRESET' } });
    expect(broken).not.toBeInstanceOf(DeadConnection);
  });

  it('count as made when they are used again: what is late then may have arrived', async () => {
    await post();
    server.behave(neverAnswers);
    expect(await post(server.url, 100)).toMatchObject({ code: 'UPSTREAM_TIMEOUT', outcome: 'unknown' });
    expect(connectionsUsed()).toEqual([1, 1]);
  });

  it('may answer later than they had to be made', async () => {
    server.behave({
      async onRequest(socket, seen) {
        await setTimeout(1.5 * CONNECT_TIMEOUT_MS);
        joins.onRequest?.(socket, seen);
      },
    });
    expect(await post()).toEqual(JOINED);
    expect(await post()).toEqual(JOINED);
  });

  it('are used again over TLS too, and only if the certificate is good', async () => {
    const name = [{ name: 'commonName', value: 'localhost' }];
    const good = await generate(name, {
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    const secure = await startFaultyServer(joins, { key: good.private, cert: good.cert });
    const untrusted = await post(secure.url);
    expect(untrusted).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    tls.setDefaultCACertificates([good.cert]);
    secure.behave(neverAnswers);
    expect(await post(secure.url, 250)).toMatchObject({ code: 'UPSTREAM_TIMEOUT', outcome: 'unknown' });
    secure.behave(joins);
    secure.seen.length = 0;
    expect([await post(secure.url), await post(secure.url)]).toEqual([JOINED, JOINED]);
    expect(new Set(secure.seen.map(({ connection }) => connection)).size).toBe(1);
    await secure.close();
  });
});
