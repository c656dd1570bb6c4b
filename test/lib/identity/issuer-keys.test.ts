import type http from 'node:http';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createIssuerKeys, httpKeySetFetcher } from '../../../lib/identity/issuer-keys.ts';
import { type LocalServer, listen } from '../../../sandbox/http-server.ts';
import { keySet, type TestKey, testKey } from '../../helpers/tokens.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

let first: TestKey;
let second: TestKey;
beforeAll(async () => {
  first = await testKey('k1');
  second = await testKey('k2');
});

function setUp(served: () => string = () => keySet(first)) {
  const clock = { ms: 0 };
  const issuer = { served, down: false };
  const fetch = vi.fn(async () => {
    if (issuer.down) throw new Error('connection refused');
    return issuer.served();
  });
  const keys = createIssuerKeys(fetch, () => clock.ms);
  const find = (kid: string) => keys.find({ alg: 'RS256', kid });
  return { clock, issuer, fetch, keys, find };
}

const unknownKey = { code: 'ERR_JWKS_NO_MATCHING_KEY' };
const unavailable = { code: 'IDENTITY_UNAVAILABLE' };

describe('createIssuerKeys', () => {
  it('fetches once for many, and again after 10 minutes', async () => {
    const { clock, fetch, find } = setUp();
    await Promise.all(Array.from({ length: 20 }, () => find('k1')));
    clock.ms = 10 * MINUTE - 1;
    await find('k1');
    expect(fetch).toHaveBeenCalledTimes(1);
    clock.ms = 10 * MINUTE;
    await find('k1');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('stops taking a removed key within 10 minutes', async () => {
    const { clock, issuer, find } = setUp(() => keySet(first, second));
    await find('k1');
    issuer.served = () => keySet(second);
    clock.ms = 10 * MINUTE;
    await expect(find('k1')).rejects.toMatchObject(unknownKey);
    await find('k2');
  });

  it('takes a new key within 5 seconds while junk ids pour in, with at most one fetch in 5 seconds', async () => {
    const { clock, issuer, fetch, find } = setUp();
    await find('k1');
    let fetchesBefore = fetch.mock.calls.length;
    clock.ms = 6 * SECOND;
    for (let i = 0; i < 500; i++) await expect(find(`junk-${i}`)).rejects.toMatchObject(unknownKey);
    expect(fetch.mock.calls.length - fetchesBefore).toBe(1);
    issuer.served = () => keySet(first, second);
    fetchesBefore = fetch.mock.calls.length;
    for (let i = 0; i < 500; i++) {
      clock.ms += 10;
      await find(`junk-${i}`).catch(() => undefined);
    }
    expect(clock.ms).toBe(11 * SECOND);
    await find('k2');
    await find('k1');
    expect(fetch.mock.calls.length - fetchesBefore).toBe(1);
  });

  it('goes on with the last good keys for 24 hours while the issuer is down, asking once in 5 seconds', async () => {
    const { clock, issuer, fetch, find } = setUp();
    await find('k1');
    issuer.down = true;
    clock.ms = 10 * MINUTE;
    for (let i = 0; i < 100; i++) await find('k1');
    expect(fetch).toHaveBeenCalledTimes(2);
    clock.ms += 5 * SECOND;
    await find('k1');
    expect(fetch).toHaveBeenCalledTimes(3);
    await expect(find('k2')).rejects.toMatchObject(unknownKey);
    clock.ms = 24 * HOUR - 1;
    await find('k1');
    clock.ms = 24 * HOUR;
    await expect(find('k1')).rejects.toMatchObject(unavailable);
  });

  it('asks at most once a second while it holds no keys, and recovers within 2 seconds', async () => {
    const { clock, issuer, fetch, find } = setUp();
    issuer.down = true;
    for (let i = 0; i < 300; i++) {
      await expect(find(`junk-${i % 7}`)).rejects.toMatchObject(unavailable);
      clock.ms += 10;
    }
    expect(fetch).toHaveBeenCalledTimes(3);
    issuer.down = false;
    clock.ms += SECOND;
    await find('k1');
  });

  it.each([
    ['HTML', '<html>'],
    ['an empty text', ''],
    ['JSON that is no key set', '{"keys":{}}'],
    ['a key set without keys', '{"keys":[]}'],
    ['null', 'null'],
  ])('does not take %s for keys, nor let it replace those it holds', async (_name, text) => {
    const cold = setUp(() => text);
    await expect(cold.find('k1')).rejects.toMatchObject(unavailable);
    const warm = setUp();
    await warm.find('k1');
    warm.issuer.served = () => text;
    warm.clock.ms = 11 * MINUTE;
    await warm.find('k1');
    expect(warm.fetch).toHaveBeenCalledTimes(2);
  });

  it('does not take a key set that has two keys with one id', async () => {
    const twin = await testKey('k1');
    await expect(setUp(() => keySet(first, twin)).find('k1')).rejects.toMatchObject(unavailable);
    await setUp(() => keySet(first, second)).find('k1');
  });

  it('ignores keys that do not sign', async () => {
    const encryption = { ...first.jwk, use: 'enc' };
    const served = JSON.stringify({
      keys: [null, 7, {}, { kty: 'oct', k: 'AAAA', kid: 'k1' }, encryption, second.jwk],
    });
    await setUp(() => served).find('k2');
    await expect(setUp(() => served).find('k1')).rejects.toMatchObject(unknownKey);
  });

  it('fetches ahead when warmed up, and leaves a failure for later', async () => {
    const { fetch, keys, find } = setUp();
    await keys.warmUp();
    await find('k1');
    expect(fetch).toHaveBeenCalledTimes(1);
    const down = setUp(() => '');
    await down.keys.warmUp();
    await expect(down.find('k1')).rejects.toMatchObject(unavailable);
  });
});

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
    await expect(httpKeySetFetcher(url, 50)()).rejects.toMatchObject({ code: 'ABORT_ERR' });
  });

  it('rejects when nobody listens', async () => {
    const url = await serve(() => {});
    await servers[0]?.close();
    await expect(httpKeySetFetcher(url)()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
