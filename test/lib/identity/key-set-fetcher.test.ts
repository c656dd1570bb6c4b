import type http from 'node:http';
import tls from 'node:tls';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { httpKeySetFetcher, keySetFetcher } from '../../../lib/identity/key-set-fetcher.ts';
import { type LocalServer, listen } from '../../../sandbox/http/server.ts';
import { answers, startFaultyServer } from '../../helpers/faulty-server.ts';

describe('httpKeySetFetcher', () => {
  let servers: LocalServer[] = [];
  afterEach(async () => {
    for (const server of servers) await server.close();
    servers = [];
  });
  async function serve(listener: http.RequestListener): Promise<URL> {
    const server = await listen(0, listener);
    servers.push(server);
    return new URL(server.url);
  }

  it('gives the text of a 200', async () => {
    const url = await serve((_request, response) => response.end('{"keys":[]}'));
    expect(await httpKeySetFetcher(url)()).toBe('{"keys":[]}');
  });

  it('is what fetches a key set that is not in the configuration', async () => {
    const url = await serve((_request, response) => response.end('{"keys":[]}'));
    expect(await keySetFetcher(url)()).toBe('{"keys":[]}');
    expect(await keySetFetcher('{"keys":[{}]}')()).toBe('{"keys":[{}]}');
  });

  it('says who asks, since firewalls refuse those that do not, and takes nothing packed', async () => {
    const seen = vi.fn();
    const url = await serve(({ headers }, response) => {
      seen(headers['user-agent'], headers['accept-encoding']);
      response.end('{"keys":[]}');
    });
    await httpKeySetFetcher(url)();
    expect(seen).toHaveBeenCalledExactlyOnceWith('rongcloud-group-join', 'identity');
  });

  it('keeps no connection, which would be dead after a freeze', async () => {
    const issuer = await startFaultyServer(answers(200, '{"keys":[]}'));
    const fetch = httpKeySetFetcher(new URL(issuer.url));
    await fetch();
    await fetch();
    expect(issuer.connections).toBe(2);
    await issuer.close();
  });

  it('follows no redirect', async () => {
    const seen = vi.fn();
    const elsewhere = await serve((_request, response) => {
      seen();
      response.end('{"keys":[]}');
    });
    const url = await serve((_request, response) => response.writeHead(302, { location: elsewhere.href }).end());
    await expect(httpKeySetFetcher(url)()).rejects.toThrow('302');
    expect(seen).not.toHaveBeenCalled();
  });

  it('stops reading at 64 kB', async () => {
    let sent = 0;
    const url = await serve((_request, response) => {
      const timer = setInterval(() => {
        sent += 16_384;
        response.write('x'.repeat(16_384));
      }, 1);
      response.on('close', () => clearInterval(timer));
    });
    await expect(httpKeySetFetcher(url)()).rejects.toThrow('over 65536 bytes');
    expect(sent).toBeLessThan(1_000_000);
  });

  it('takes exactly 64 kB', async () => {
    const url = await serve((_request, response) => response.end('x'.repeat(65_536)));
    expect(await httpKeySetFetcher(url)()).toHaveLength(65_536);
  });

  it.each([
    ['never answers', () => {}],
    ['never ends', (_request: unknown, response: http.ServerResponse) => void response.write('{')],
  ])('gives up on an issuer that %s', async (_name, listener) => {
    const url = await serve(listener);
    await expect(httpKeySetFetcher(url, 50)()).rejects.toMatchObject({ message: 'timed out' });
  });

  it('rejects when nobody listens', async () => {
    const url = await serve(() => {});
    await servers[0]?.close();
    await expect(httpKeySetFetcher(url)()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('asks for JSON', async () => {
    const seen = vi.fn();
    const url = await serve((request, response) => {
      seen(request.method, request.headers.accept);
      response.end('{"keys":[]}');
    });
    await httpKeySetFetcher(url)();
    expect(seen.mock.calls).toEqual([['GET', 'application/json']]);
  });

  it.each([201, 204, 404, 500])('takes no answer with status %i, and hangs up', async (status) => {
    let closed = false;
    const url = await serve((request, response) => {
      request.socket.on('close', () => {
        closed = true;
      });
      response.writeHead(status);
      if (status === 500) response.write('{');
      else response.end();
    });
    await expect(httpKeySetFetcher(url)()).rejects.toThrow(`the issuer answered ${status}`);
    await expect.poll(() => closed).toBe(true);
  });

  it('gives up on an issuer that switches protocols', async () => {
    const url = await serve((request) => {
      request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    await expect(httpKeySetFetcher(url)()).rejects.toThrow('the issuer closed without an answer');
  });

  it('reads a character whose bytes come apart', async () => {
    const text = Buffer.from('"é"');
    const url = await serve((_request, response) => {
      response.write(text.subarray(0, 2));
      setTimeout(() => response.end(text.subarray(2)), 20);
    });
    expect(await httpKeySetFetcher(url)()).toBe('"é"');
  });

  it('fetches over TLS, and only if the certificate is good', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    const issuer = await startFaultyServer(answers(200, '{"keys":[]}'), { key, cert });
    await expect(httpKeySetFetcher(new URL(issuer.url))()).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    tls.setDefaultCACertificates([cert]);
    expect(await httpKeySetFetcher(new URL(issuer.url))()).toBe('{"keys":[]}');
    await issuer.close();
  });
});
