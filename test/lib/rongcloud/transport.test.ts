import dns from 'node:dns';
import type http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../../lib/clock.ts';
import { JoinError } from '../../../lib/errors.ts';
import { createTransport, MAX_ANSWER_BYTES, type UpstreamRequest } from '../../../lib/rongcloud/transport.ts';
import { describeCause } from '../../../lib/telemetry/error-description.ts';
import { type LocalServer, listen, readBody } from '../../../sandbox/http/server.ts';

let closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

async function serve(listener: http.RequestListener): Promise<LocalServer> {
  const server = await listen(0, listener);
  closers.push(server.close);
  return server;
}

function post(
  url: string,
  options: { connectTimeoutMs?: number } & Partial<
    Pick<UpstreamRequest, 'timeoutMs' | 'listenMs' | 'onLateAnswer'>
  > = {},
) {
  const { listenMs, onLateAnswer } = options;
  const transport = createTransport({ connectTimeoutMs: options.connectTimeoutMs ?? 2000, clock: new Clock() });
  closers.push(transport.close);
  return transport.post({
    url: new URL('/group/join.json', url),
    headers: { 'X-Test': 'yes' },
    body: 'groupId=g&userId=%E7%94%A8',
    timeoutMs: options.timeoutMs ?? 5000,
    ...(listenMs !== undefined && { listenMs }),
    ...(onLateAnswer && { onLateAnswer }),
  });
}

/** Lets each TCP connection of this process stand so much later, as one across an ocean does. */
function slowConnections(ms: number): void {
  // `net` calls this of its handles; nothing public makes a connection slow.
  const { TCP } = (process as unknown as { binding(name: string): { TCP: { prototype: TcpHandle } } }).binding(
    'tcp_wrap',
  );
  const connect = TCP.prototype.connect;
  vi.spyOn(TCP.prototype, 'connect').mockImplementation(function (this: TcpHandle, request, ...where) {
    const { oncomplete } = request;
    request.oncomplete = (...result) => void setTimeout(() => oncomplete.apply(request, result), ms);
    return connect.call(this, request, ...where);
  });
}

interface TcpHandle {
  connect(request: { oncomplete: (...result: unknown[]) => void }, ...where: unknown[]): number;
}

describe('createTransport', () => {
  it('posts headers and body with its length, and gives the whole answer', async () => {
    const seen: object[] = [];
    const { url } = await serve(async (request, response) => {
      const { method, url: path, headers } = request;
      seen.push({
        method,
        path,
        test: headers['x-test'],
        encoding: headers['accept-encoding'],
        length: headers['content-length'],
        body: String(await readBody(request)),
      });
      response.writeHead(400).end('{"code":1002,"t":"é"}');
    });
    expect(await post(url)).toEqual({ status: 400, body: '{"code":1002,"t":"é"}', complete: true });
    expect(seen).toEqual([
      {
        method: 'POST',
        path: '/group/join.json',
        test: 'yes',
        encoding: 'identity',
        length: '26',
        body: 'groupId=g&userId=%E7%94%A8',
      },
    ]);
  });

  it('follows no redirect', async () => {
    const third = vi.fn();
    const elsewhere = await serve((_request, response) => {
      third();
      response.end('{"code":200}');
    });
    for (const status of [301, 302, 307, 308]) {
      const { url } = await serve((_request, response) =>
        response.writeHead(status, { location: elsewhere.url }).end(),
      );
      expect(await post(url)).toMatchObject({ status });
    }
    expect(third).not.toHaveBeenCalled();
  });

  it('says UPSTREAM_UNREADABLE when an answer ends early', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 50 });
      response.write('{"code":200}', () => response.socket?.destroy());
    });
    expect(await post(url)).toMatchObject({ code: 'UPSTREAM_UNREADABLE', cause: { message: 'aborted' } });
  });

  it.each([
    [MAX_ANSWER_BYTES, true],
    [MAX_ANSWER_BYTES + 1, false],
  ])('reads an answer of %i bytes whole: %s', async (size, complete) => {
    const { url } = await serve((_request, response) => response.end('x'.repeat(size)));
    expect(await post(url)).toMatchObject({ complete });
  });

  it('stops reading an endless answer', async () => {
    let sent = 0;
    let closed = false;
    const { url } = await serve((_request, response) => {
      response.on('close', () => {
        closed = true;
      });
      const more = (): void => {
        while (!response.destroyed && sent < 50_000_000 && response.write('x'.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    expect(await post(url)).toMatchObject({ complete: false });
    expect(sent).toBeLessThan(20_000_000);
    await expect.poll(() => closed).toBe(true);
  });

  it('says UPSTREAM_UNREACHABLE when nobody listens or there is no such name', async () => {
    const server = await serve(() => {});
    await server.close();
    expect(await post(server.url)).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', outcome: 'not_sent' });
    expect(await post('http://no-such-host.invalid')).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
  });

  it('says UPSTREAM_UNREACHABLE when TLS never stands', async () => {
    let open = 0;
    const silent = net.createServer((socket) => {
      open += 1;
      socket
        .resume()
        .on('error', () => {})
        .on('close', () => (open -= 1));
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closers.push(() => silent.close());
    const { port } = silent.address() as net.AddressInfo;
    const url = `https://127.0.0.1:${port}`;
    // Without a limit of its own a connection would have all the time of an answer, which no test waits for.
    expect(await post(url, { connectTimeoutMs: 50, timeoutMs: 600_000 })).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      cause: { message: 'timed out' },
    });
    const onLateAnswer = vi.fn();
    const options = { timeoutMs: 50, listenMs: 5000, onLateAnswer };
    expect(await post(url, options)).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
    // It was given up: what never stood sends nothing later.
    expect(onLateAnswer).not.toHaveBeenCalled();
    await expect.poll(() => open).toBe(0);
  });

  it('reads an answer that came while the process stood still, before its time is up', async () => {
    const { url } = await serve((_request, response) => {
      response.end('{"code":200}', () => {
        const until = performance.now() + 300;
        while (performance.now() < until);
      });
    });
    expect(await post(url, { timeoutMs: 100 })).toMatchObject({ status: 200, body: '{"code":200}' });
  });

  it('gives an answer time to come if the process stood still meanwhile', async () => {
    const { url } = await serve((_request, response) => {
      const until = performance.now() + 700;
      while (performance.now() < until);
      setTimeout(() => response.end('{"code":200}'), 20);
    });
    expect(await post(url, { timeoutMs: 500 })).toMatchObject({ status: 200 });
  });

  it('listens on after the time of its caller is up, and says what came', async () => {
    let answer = (): void => {};
    const { url } = await serve((_request, response) => {
      answer = () => response.end('{"code":200}');
    });
    const late = Promise.withResolvers<unknown>();
    const options = { timeoutMs: 100, listenMs: 5000, onLateAnswer: late.resolve };
    expect(await post(url, options)).toMatchObject({ code: 'UPSTREAM_TIMEOUT', outcome: 'unknown' });
    answer();
    expect(await late.promise).toEqual({ status: 200, body: '{"code":200}', complete: true });
    const nothing = Promise.withResolvers<unknown>();
    await post(url, { timeoutMs: 50, listenMs: 100, onLateAnswer: nothing.resolve });
    expect(await nothing.promise).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
  });

  it('gives each address of a name time enough to be reached across an ocean', async () => {
    const { url } = await serve((_request, response) => response.end('{"code":200}'));
    const addresses = Array.from({ length: 8 }, (_, i) => ({ address: `127.0.0.${i + 1}`, family: 4 }));
    vi.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
      const answer = args.at(-1) as (error: null, addresses: readonly object[]) => void;
      setImmediate(answer, null, addresses);
    });
    slowConnections(400);
    expect(await post(url.replace('127.0.0.1', 'localhost'))).toMatchObject({ status: 200 });
  });

  it('says of the first of many addresses why it is out of reach', async () => {
    const server = await serve(() => {});
    await server.close();
    const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
    vi.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
      const answer = args.at(-1) as (error: null, addresses: readonly object[]) => void;
      setImmediate(answer, null, addresses);
    });
    const error = await post(server.url.replace('127.0.0.1', 'im.invalid'));
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
    const cause = error instanceof JoinError ? describeCause(error.cause) : undefined;
    expect(cause).toMatch(/^Error: connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
  });

  it('reads a character whose bytes come apart', async () => {
    const [first, second] = [Buffer.from('{"t":"é').subarray(0, -1), Buffer.from('é"}').subarray(1)];
    const { url } = await serve((_request, response) => {
      response.write(first);
      setTimeout(() => response.end(second), 20);
    });
    expect(await post(url)).toMatchObject({ body: '{"t":"é"}', complete: true });
  });

  it('says UPSTREAM_UNREADABLE when the protocol is switched', async () => {
    const { url } = await serve((request) =>
      request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    );
    expect(await post(url)).toMatchObject({
      code: 'UPSTREAM_UNREADABLE',
      outcome: 'unknown',
      cause: { message: 'closed without an answer' },
    });
  });

  it('says UPSTREAM_UNAVAILABLE when the connection closes before an answer', async () => {
    const { url } = await serve((request) => request.socket.destroy());
    expect(await post(url)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', outcome: 'unknown' });
  });

  it.each([
    ['before the headers', () => {}],
    ['after the headers', (_request: unknown, response: http.ServerResponse) => void response.write('{')],
  ])('says UPSTREAM_TIMEOUT when the answer stalls %s, and hangs up', async (_name, listener) => {
    let closed = false;
    const { url } = await serve((request, response) => {
      request.socket.on('close', () => {
        closed = true;
      });
      listener(request, response);
    });
    expect(await post(url, { timeoutMs: 100 })).toMatchObject({ code: 'UPSTREAM_TIMEOUT', outcome: 'unknown' });
    await expect.poll(() => closed).toBe(true);
  });
});
