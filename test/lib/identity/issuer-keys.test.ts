import { setImmediate } from 'node:timers/promises';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createIssuerKeys, type KeyEvent } from '../../../lib/identity/issuer-keys.ts';
import { clockOf } from '../../helpers/clock-of.ts';
import { keySet, type TestKey, testKey } from '../../helpers/tokens.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** When the tests' clocks begin. */
const START = 1_800_000_000_000;

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
  const events: KeyEvent[] = [];
  const keys = createIssuerKeys(
    fetch,
    clockOf(() => START + clock.ms),
    (event) => events.push(event),
  );
  const find = async (kid: string, alg = 'RS256') => one(await keys.find({ alg, kid }));
  return { clock, issuer, fetch, events, keys, find };
}

const unknownKey = { message: 'no key' };
/** The key that was found. */
function one<Key>([key]: readonly Key[]): Key {
  if (key === undefined) throw new Error(unknownKey.message);
  return key;
}
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

  it('reads a key set behind a byte order mark', async () => {
    const { issuer, find } = setUp();
    issuer.served = () => `\uFEFF${keySet(first)}`;
    await find('k1');
  });

  it('counts the age of keys from the moment they were asked for', async () => {
    const { clock, issuer, fetch, find } = setUp();
    issuer.served = () => {
      clock.ms += 2 * SECOND;
      return keySet(first);
    };
    await find('k1');
    clock.ms = 10 * MINUTE;
    await find('k1');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('lets all wait for the fetch in flight, and starts no other', async () => {
    let answer = (_text: string): void => {};
    const fetch = vi.fn(
      () =>
        new Promise<string>((resolve) => {
          answer = resolve;
        }),
    );
    const keys = createIssuerKeys(
      fetch,
      clockOf(() => START),
    );
    const found = [1, 2, 3].map(async () => one(await keys.find({ alg: 'RS256', kid: 'k1' })));
    await setImmediate();
    answer(keySet(first));
    expect(await Promise.all(found)).toEqual(Array(3).fill(expect.objectContaining({ type: 'public' })));
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('stops taking a removed key within 10 minutes', async () => {
    const { clock, issuer, find } = setUp(() => keySet(first, second));
    await find('k1');
    issuer.served = () => keySet(second);
    clock.ms = 10 * MINUTE;
    await expect(find('k1')).rejects.toMatchObject(unknownKey);
    await find('k2');
  });

  it('fetches at once when a clock that was ahead has been set right', async () => {
    const { clock, issuer, fetch, find } = setUp(() => keySet(first, second));
    clock.ms = HOUR;
    await find('k1');
    issuer.served = () => keySet(second);
    clock.ms = 0;
    await expect(find('k1')).rejects.toMatchObject(unknownKey);
    await find('k2');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('recovers from a failed fetch when a clock that was ahead has been set right', async () => {
    const { clock, issuer, find } = setUp();
    issuer.down = true;
    clock.ms = HOUR;
    await expect(find('k1')).rejects.toMatchObject(unavailable);
    issuer.down = false;
    clock.ms = 0;
    await find('k1');
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

  it.each([
    ['is empty', () => '{"keys":[]}'],
    [
      'holds no key that signs',
      () =>
        JSON.stringify({
          keys: [
            { ...first.jwk, use: 'enc' },
            { kty: 'oct', k: 'AA' },
          ],
        }),
    ],
  ])('takes no removed key for longer than 10 minutes if the key set %s', async (_name, served) => {
    const { clock, issuer, fetch, find } = setUp();
    await find('k1');
    issuer.served = served;
    clock.ms = 10 * MINUTE - 1;
    await find('k1');
    clock.ms = 10 * MINUTE;
    await expect(find('k1')).rejects.toMatchObject(unknownKey);
    issuer.down = true;
    clock.ms = 11 * MINUTE;
    await expect(find('k1')).rejects.toMatchObject(unknownKey);
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  it('takes a key within 5 seconds after a key set without any, for tokens without a key id as well', async () => {
    const { clock, issuer, keys } = setUp(() => '{"keys":[]}');
    const findWithoutId = async () => one(await keys.find({ alg: 'RS256' }));
    await expect(findWithoutId()).rejects.toMatchObject(unknownKey);
    issuer.served = () => keySet(first);
    clock.ms = 5 * SECOND;
    await findWithoutId();
  });

  it('gives every key that a token may mean', async () => {
    const twin = await testKey('k1');
    const other = await testKey('k1', 'ES256');
    const { keys } = setUp(() => keySet(first, twin, other, second));
    expect(await keys.find({ alg: 'RS256', kid: 'k1' })).toHaveLength(2);
    expect(await keys.find({ alg: 'ES256', kid: 'k1' })).toHaveLength(1);
    expect(await keys.find({ alg: 'RS256' })).toHaveLength(3);
    expect(await keys.find({ alg: 'ES384', kid: 'k1' })).toEqual([]);
  });

  it('passes over a key that can not be read', async () => {
    const broken = { kty: 'RSA', kid: 'k1', e: 'AQAB' };
    const { keys } = setUp(() => JSON.stringify({ keys: [broken, first.jwk, { ...broken, kid: 'k3' }] }));
    expect(await keys.find({ alg: 'RS256', kid: 'k1' })).toHaveLength(1);
    expect(await keys.find({ alg: 'RS256', kid: 'k3' })).toEqual([]);
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

  it('is warmed up for nothing while it holds keys', async () => {
    const { clock, fetch, keys } = setUp();
    await keys.warmUp();
    clock.ms = 9 * MINUTE;
    await keys.warmUp();
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('tells of each refresh, and of each use of keys that are past their time', async () => {
    const { clock, issuer, events, find } = setUp();
    await find('k1');
    clock.ms = 10 * MINUTE - 1;
    await find('k1');
    expect(events).toEqual(['keyRefresh']);
    issuer.down = true;
    clock.ms = 10 * MINUTE;
    await find('k1');
    await find('k1');
    expect(events).toEqual(['keyRefresh', 'staleKeys', 'staleKeys']);
    issuer.down = false;
    clock.ms += 5 * SECOND;
    await find('k1');
    expect(events).toEqual(['keyRefresh', 'staleKeys', 'staleKeys', 'keyRefresh']);
  });

  it('needs nobody who watches', async () => {
    const texts = [keySet(first), ''];
    let ms = START;
    const keys = createIssuerKeys(
      async () => texts.shift() ?? '',
      clockOf(() => ms),
    );
    await keys.find({ alg: 'RS256', kid: 'k1' });
    ms += 10 * MINUTE;
    expect(await keys.find({ alg: 'RS256', kid: 'k1' })).toMatchObject([{ type: 'public' }]);
    expect(texts).toEqual([]);
  });

  it.each(['RS256', 'ES256', 'EdDSA'])('holds keys for %s', async (alg) => {
    const key = await testKey('k', alg);
    expect(await setUp(() => keySet(key)).find('k', alg)).toMatchObject({ type: 'public' });
  });

  it('takes a key that says neither its id nor its use, for a token that names none', async () => {
    const { kid: _, use: __, ...bare } = first.jwk;
    const { clock, fetch, keys } = setUp(() => JSON.stringify({ keys: [bare] }));
    expect(await keys.find({ alg: 'RS256' })).toMatchObject([{ type: 'public' }]);
    clock.ms = 6 * SECOND;
    expect(await keys.find({ alg: 'RS256' })).toMatchObject([{ type: 'public' }]);
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(await keys.find({ alg: 'RS256', kid: 'k1' })).toEqual([]);
  });

  it('takes several keys without an id', async () => {
    const [{ kid: _, ...one }, { kid: __, ...other }] = [first.jwk, second.jwk];
    const { find } = setUp(() => JSON.stringify({ keys: [one, other, { ...first.jwk, kid: 'k3' }] }));
    expect(await find('k3')).toMatchObject({ type: 'public' });
  });

  it.each([
    ['a kid that is no text', { kid: 7 }],
    ['another use', { use: 'enc' }],
    ['another type', { kty: 'oct' }],
    ['no type', { kty: undefined }],
  ])('finds no key where the only one has %s', async (_name, change) => {
    const served = JSON.stringify({ keys: [{ ...first.jwk, ...change }] });
    await expect(setUp(() => served).find('k1')).rejects.toMatchObject(unknownKey);
  });

  it.each([
    ['planted', 'the answer is not JSON'],
    ['7', 'the answer is not a key set'],
    ['null', 'the answer is not a key set'],
    ['{"key":[]}', 'the answer is not a key set'],
    ['{"keys":"planted"}', 'the answer is not a key set'],
  ])('says what is wrong with %s, without quoting it', async (served, message) => {
    await expect(setUp(() => served).find('k1')).rejects.toMatchObject({ ...unavailable, cause: { message } });
  });
});
