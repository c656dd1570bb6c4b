import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toForm } from '../../../lib/rongcloud/form.ts';
import { nonceFrom, sign } from '../../../lib/rongcloud/signature.ts';
import { ImApp } from '../../../sandbox/rongcloud/app.ts';
import { type ImService, startImService } from '../../../sandbox/rongcloud/service.ts';

const app = { appKey: 'key', appSecret: 's3cret' };
const clock = { ms: 1_700_000_000_000 };

let im: ImService;
beforeEach(async () => {
  im = await startImService(new ImApp({ ...app, now: () => clock.ms }));
});
afterEach(() => im.close());

interface Post {
  path?: string;
  headers?: Record<string, string>;
  secret?: string;
  timestamp?: number;
  nonce?: string;
}

async function post(form: string, { path = '/group/join.json', headers = {}, ...signing }: Post = {}) {
  const { secret = app.appSecret, timestamp = clock.ms, nonce = nonceFrom(randomUUID()) } = signing;
  const response = await fetch(`${im.url}${path}`, {
    method: 'POST',
    body: form,
    headers: {
      ...sign({ appKey: app.appKey, appSecret: secret }, nonce, timestamp),
      'Content-Type': 'application/x-www-form-urlencoded',
      ...headers,
    },
  });
  return { status: response.status, json: await response.json() };
}
const people = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);
const form = (userIds: string[], groupId = 'g') =>
  [`groupId=${groupId}`, ...userIds.map((id) => `userId=${id}`)].join('&');

describe('the stand-in IM service', () => {
  it('joins users and lists the members in order', async () => {
    expect(await post(form(['b', 'a', 'b']))).toEqual({ status: 200, json: { code: 200 } });
    const query = await post('groupId=g', { path: '/group/user/query.json' });
    expect(query.json).toEqual({ code: 200, users: [{ id: 'b' }, { id: 'a' }] });
  });

  it.each(['a b', 'a+b', 'a&userId=admin', '%41', '用户', '😀'])('takes the id %s as one value', async (id) => {
    await post(toForm({ groupId: 'g', userIds: [id] }));
    expect(im.app.groups.members('g')).toEqual([id]);
  });

  it('reads no body without end, and goes on for others', async () => {
    const chunk = new Uint8Array(1024 * 1024);
    let megabytes = 0;
    const body = new ReadableStream({
      pull(controller) {
        megabytes += 1;
        if (megabytes <= 100) controller.enqueue(chunk);
        else controller.close();
      },
    });
    const response = await fetch(im.url, { method: 'POST', body, duplex: 'half' }).catch(() => undefined);
    // Whoever goes on writing may see the connection close before the answer.
    expect([413, undefined]).toContain(response?.status);
    expect(megabytes).toBeLessThan(100);
    expect(await post(form(['a']))).toEqual({ status: 200, json: { code: 200 } });
  });

  it('renames a group only when a name is given', async () => {
    await post(`${form(['a'])}&groupName=First`);
    await post(form(['b']));
    expect(im.app.groups.name('g')).toBe('First');
  });

  it.each<[string, Post, number]>([
    ['another App Key', { headers: { 'App-Key': 'other' } }, 1001],
    ['another secret', { secret: 'other' }, 1004],
    ['a timestamp 5 minutes and 1 ms old', { timestamp: clock.ms - 300_001 }, 1004],
    ['a timestamp 5 minutes and 1 ms ahead', { timestamp: clock.ms + 300_001 }, 1004],
    ['a nonce of 19 characters', { nonce: 'x'.repeat(19) }, 1004],
  ])('refuses %s with 401', async (_name, options, code) => {
    expect(await post(form(['a']), options)).toMatchObject({ status: 401, json: { code } });
    expect(im.app.groups.members('g')).toEqual([]);
  });

  it('takes a timestamp of exactly 5 minutes ago, and a nonce only once', async () => {
    const options = { timestamp: clock.ms - 300_000, nonce: 'once' };
    expect((await post(form(['a']), options)).status).toBe(200);
    expect(await post(form(['a']), options)).toMatchObject({ status: 401, json: { code: 1004 } });
  });

  it.each([
    ['no body', '', 400, 1003],
    ['no group', 'userId=a', 400, 1002],
    ['no user', 'groupId=g', 400, 1002],
    ['an empty user', 'groupId=g&userId=', 400, 1002],
    ['a user of 65 characters', form(['x'.repeat(65)]), 400, 1005],
    ['a group of 65 characters', form(['a'], 'x'.repeat(65)), 400, 1005],
    ['a name of 65 characters', `${form(['a'])}&groupName=${'x'.repeat(65)}`, 400, 1005],
    ['1001 users', form(people(1001)), 400, 1002],
    ['a body over 100 kB', form(people(1000).map((id) => id.padEnd(100, 'x'))), 400, 1508],
  ])('refuses %s', async (_name, body, status, code) => {
    expect(await post(body)).toMatchObject({ status, json: { code } });
  });

  it('takes 1000 users in a call and 3000 in a group', async () => {
    const ids = people(3001);
    for (const start of [0, 1000, 2000]) expect((await post(form(ids.slice(start, start + 1000)))).status).toBe(200);
    expect(await post(form(ids.slice(3000)))).toMatchObject({ status: 405, json: { code: 405 } });
    expect((await post(form(ids.slice(0, 5)))).status).toBe(200);
    expect(im.app.groups.members('g')).toEqual(ids.slice(0, 3000));
  });

  it('refuses the 101st call within any second', async () => {
    for (let i = 0; i < 100; i++) expect((await post(form(['a']))).status).toBe(200);
    expect(await post(form(['a']))).toMatchObject({ status: 429, json: { code: 1008 } });
    clock.ms += 999;
    expect((await post(form(['a']))).status).toBe(429);
    clock.ms += 1;
    expect((await post(form(['a']))).status).toBe(200);
  });

  it('knows no other address', async () => {
    expect(await post(form(['a']), { path: '/group/quit.json' })).toMatchObject({ status: 404, json: { code: 404 } });
  });

  it('fails for as many calls as it is told', async () => {
    im.fault.set({ kind: 'status', status: 500, body: '{"code":1000}', calls: 2 });
    expect((await post(form(['a']))).status).toBe(500);
    expect((await post(form(['a']))).status).toBe(500);
    expect((await post(form(['a']))).status).toBe(200);
  });

  it.each(['cut', 'close'] as const)('can %s an answer, having joined the user or not', async (kind) => {
    im.fault.set({ kind });
    await expect(post(form(['a']))).rejects.toThrow();
    expect(im.app.groups.members('g')).toEqual([]);
    im.fault.set({ kind, carryOut: true });
    await expect(post(form(['a']))).rejects.toThrow();
    expect(im.app.groups.members('g')).toEqual(['a']);
  });

  it('carries a call out once, however late it answers', async () => {
    im.fault.set({ kind: 'delay', ms: 5, carryOut: true });
    expect(await post(form(['a']))).toMatchObject({ status: 200, json: { code: 200 } });
  });

  it('keeps what it saw, whether it met a fault or not', async () => {
    im.fault.set({ kind: 'status', status: 503, calls: 1 });
    expect((await fetch(`${im.url}/group/join.json`, { method: 'POST', body: form(['a']) })).status).toBe(503);
    expect((await post(form(['b']), { headers: { 'X-Request-ID': 'r-1' } })).status).toBe(200);
    expect(im.calls).toMatchObject([
      { groupId: 'g', userIds: ['a'], code: 0, fault: { kind: 'status', status: 503 } },
      { groupId: 'g', userIds: ['b'], code: 200, headers: { 'x-request-id': 'r-1' }, fault: undefined },
    ]);
  });

  it('is told nothing on a port of RongCloud', async () => {
    const control = async (method: string, path: string, body?: string) =>
      (await fetch(`${im.url}/_sandbox/${path}`, { method, ...(body !== undefined && { body }) })).status;
    expect(await control('PUT', 'faults/rongcloud-primary', '{"kind":"hang"}')).toBe(401);
    expect(await control('PUT', 'misbehavior', '{"kind":"hang"}')).toBe(401);
    expect(await control('PUT', 'app-secret', 'another')).toBe(401);
    expect(await control('PUT', 'leniency')).toBe(401);
    expect([im.fault.how, im.app.appSecret, im.app.freshness]).toEqual([undefined, 's3cret', true]);
  });
});
