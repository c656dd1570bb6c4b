import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ImApp } from '../../../sandbox/rongcloud/app.ts';
import { type ImService, startImService } from '../../../sandbox/rongcloud/service.ts';

const APP = { appKey: 'the-app-key', appSecret: 'the-app-secret' };
/** The bench compares with the vendor's SDK, and is installed for itself. */
const BENCH = new URL('../../../bench/package.json', import.meta.url);
const hasVendorSdk = existsSync(new URL('node_modules/rongcloud-sdk', BENCH));

let im: ImService;
beforeEach(async () => {
  im = await startImService(new ImApp(APP));
});
afterEach(() => im.close());

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');

interface Sent {
  nonce?: string;
  timestamp?: string;
  secret?: string;
  headers?: Record<string, string | undefined>;
}

let calls = 0;
async function join({ nonce = `n${calls++}`, timestamp = `${Date.now()}`, secret, headers = {} }: Sent = {}) {
  const signature = sha1(`${secret ?? APP.appSecret}${nonce}${timestamp}`);
  const signed = new Headers({ 'App-Key': APP.appKey, Nonce: nonce, Timestamp: timestamp, Signature: signature });
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) signed.delete(name);
    else signed.set(name, value);
  }
  const body = new URLSearchParams({ groupId: 'g', userId: 'a' });
  const response = await fetch(`${im.url}/group/join.json`, { method: 'POST', headers: signed, body });
  return { status: response.status, ...JSON.parse(await response.text()) };
}
const seconds = () => `${Math.floor(Date.now() / 1000)}`;

describe('a refusal of the stand-in IM service', () => {
  it.each<[string, Sent, number, string]>([
    ['no App Key', { headers: { 'App-Key': undefined } }, 1001, 'App-Key is missing.'],
    ['another App Key', { headers: { 'App-Key': 'x' } }, 1001, "App-Key is not this app's."],
    ['no signature', { headers: { Signature: undefined } }, 1004, 'Signature is missing.'],
    [
      'another secret',
      { secret: 'x' },
      1004,
      'Signature is not the lower-case hex SHA-1 of App Secret + Nonce + Timestamp.',
    ],
    [
      'the App Key as the secret',
      { secret: APP.appKey },
      1004,
      'Signature is not the lower-case hex SHA-1 of App Secret + Nonce + Timestamp: it was made with the App Key for the App Secret.',
    ],
    ['a long nonce', { nonce: 'x'.repeat(19) }, 1004, 'Nonce is longer than 18 characters.'],
    [
      'a timestamp in seconds',
      { timestamp: seconds() },
      1004,
      'Timestamp is not within 5 minutes of now in milliseconds: it looks like seconds.',
    ],
    ['an old timestamp', { timestamp: '1' }, 1004, 'Timestamp is not within 5 minutes of now in milliseconds.'],
    ['a timestamp that is none', { timestamp: 'x' }, 1004, 'Timestamp is not within 5 minutes of now in milliseconds.'],
    [
      'another type of body',
      { headers: { 'Content-Type': 'application/json' } },
      1002,
      'Content-Type must be application/x-www-form-urlencoded.',
    ],
  ])('says what is wrong: %s', async (_, sent, code, errorMessage) => {
    expect(await join(sent)).toMatchObject({ code, errorMessage });
    expect(im.calls.at(-1)).toMatchObject({ code, errorMessage });
  });

  it('says that a nonce was used before', async () => {
    expect((await join({ nonce: 'once' })).code).toBe(200);
    expect(await join({ nonce: 'once' })).toMatchObject({
      code: 1004,
      errorMessage: 'Nonce was used before: each call needs another one.',
    });
  });

  it('holds neither the App Secret nor the signature that would be right', async () => {
    const timestamp = `${Date.now()}`;
    for (const sent of [{ secret: 'x' }, { secret: APP.appKey }, { headers: { Signature: APP.appSecret } }]) {
      const answer = JSON.stringify(await join({ nonce: 'n', timestamp, ...sent }));
      expect(answer).toContain('1004');
      expect(answer).not.toContain(APP.appSecret);
      expect(answer).not.toContain(sha1(`${APP.appSecret}n${timestamp}`));
    }
  });

  it('is shown with each rule, kept or broken', async () => {
    await join({ timestamp: seconds() });
    const checks = im.calls.at(-1)?.checks ?? [];
    const named = (wanted: boolean) => checks.flatMap(({ rule, ok }) => (ok === wanted ? [rule] : []));
    expect(named(false)).toEqual(['Timestamp']);
    expect(named(true)).toEqual([
      ...['App-Key', 'Signature', 'Nonce', 'Rate', 'Method', 'Address', 'Body', 'Body size'],
      ...['Content-Type', 'groupId', 'userId', 'userId length', 'groupName'],
    ]);
  });
});

describe('a lenient IM service', () => {
  it('takes any timestamp, and one nonce for all calls, until it is told to look again', async () => {
    const sent = { nonce: '1234567', timestamp: seconds() };
    expect((await join(sent)).status).toBe(401);
    im.app.freshness = false;
    for (let i = 0; i < 3; i++) expect((await join(sent)).status).toBe(200);
    expect(await join({ ...sent, secret: 'x' })).toMatchObject({ code: 1004 });
    im.app.freshness = true;
    expect((await join(sent)).status).toBe(401);
    expect((await join()).status).toBe(200);
  });

  it.runIf(hasVendorSdk)("takes the calls of the vendor's SDK", async () => {
    interface VendorSdk {
      Group: { join(group: { id: string; name: string; member: { id: string } }): Promise<unknown> };
    }
    const { Group }: VendorSdk = createRequire(BENCH)('rongcloud-sdk')({
      appkey: APP.appKey,
      secret: APP.appSecret,
      api: im.url,
    });
    const joinAs = (id: string) => Group.join({ id: 'g', name: 'G', member: { id } });
    // It keeps the reason to itself, and speaks of a wrong App Key or Secret.
    await joinAs('a').catch(() => undefined);
    expect(im.calls.at(-1)?.errorMessage).toContain('it looks like seconds');
    im.app.freshness = false;
    await joinAs('a');
    await joinAs('b');
    expect(im.app.groups.members('g')).toEqual(['a', 'b']);
  });
});
