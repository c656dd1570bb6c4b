import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { forward } from '../../../sandbox/http/forward.ts';
import { MEMBER, memberGroup, REFUSED, SERVICE } from '../../helpers/claims.ts';
import { expectDescribed } from '../../helpers/openapi.ts';
import { startTestSandbox, type TestSandbox } from '../../helpers/sandbox.ts';

let sandbox: TestSandbox;
let alice: string;
let service: string;
beforeAll(async () => {
  sandbox = await startTestSandbox({ corsOrigins: ['https://app.example'], corsHeaders: ['tracestate', 'prefer'] });
  alice = await sandbox.issuer.token(MEMBER);
  service = await sandbox.issuer.token(SERVICE);
});
afterAll(() => sandbox?.close());
beforeEach(() => {
  im().app.groups.clear();
  for (const domain of [im(), sandbox.im.backup]) {
    domain.calls.length = 0;
    domain.fault.set(undefined);
  }
});

const TEAM = memberGroup('team-1');
const im = () => sandbox.im.primary;
/** What a call that the test makes by itself is answered. */
const described = async (response: Response) => {
  const body = await response.text();
  expectDescribed({ status: response.status, headers: response.headers, body });
  return [response.status, JSON.parse(body)];
};
const people = (count: number) => Array.from({ length: count }, (_, i) => `user-${i}`);

describe('the HTTP door, end to end', () => {
  it('refuses a call without a token', async () => {
    const { status, headers, json } = await sandbox.post('team-1');
    expect(status).toBe(401);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('www-authenticate')).toBe('Bearer realm="groups"');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-request-id')).toBe(json.requestId);
    expect(json.code).toBe('UNAUTHENTICATED');
    expect(im().calls).toEqual([]);
  });

  it('lets a user join itself with an empty body', async () => {
    const { status, json, headers } = await sandbox.post(TEAM, { token: alice });
    expect([status, json.joined]).toEqual([200, ['alice']]);
    expect(im().app.groups.members(TEAM)).toEqual(['alice']);
    expect(im().calls[0]?.headers['x-request-id']).toBe(headers.get('x-request-id'));
  });

  it('sends a user that is listed twice once', async () => {
    const { status } = await sandbox.post(TEAM, { token: alice, body: '{"userIds":["alice","alice"]}' });
    expect(status).toBe(200);
    expect(im().calls.map(({ userIds }) => userIds)).toEqual([['alice']]);
  });

  it('denies what the rule refuses, and nothing is sent', async () => {
    const token = await sandbox.issuer.token(REFUSED.claims);
    const { status, json } = await sandbox.post(TEAM, { token, body: REFUSED.body });
    expect([status, json.code]).toEqual([403, 'FORBIDDEN']);
    expect(im().calls).toEqual([]);
  });

  it('adds 2500 users for a service in three calls, each once, order kept', async () => {
    const body = JSON.stringify({ userIds: people(2500) });
    const { status, json } = await sandbox.post('big', { token: service, body });
    expect(status).toBe(200);
    expect(json.joined).toEqual(people(2500));
    expect(im().calls.map(({ userIds }) => userIds.length)).toEqual([1000, 1000, 500]);
    expect(im().app.groups.members('big')).toEqual(people(2500));
  });

  it.each([
    ['3001 users', { body: JSON.stringify({ userIds: people(3001) }) }, 400, ['/userIds']],
    ['a 65-character id', { body: JSON.stringify({ userIds: ['a', 'x'.repeat(65)] }) }, 400, ['/userIds/1']],
    ['an empty id', { body: '{"userIds":[""]}' }, 400, ['/userIds/0']],
    ['a lone surrogate', { body: '{"userIds":["a\\ud800"]}' }, 400, ['/userIds/0']],
    ['a control character', { body: '{"userIds":["a\\u0007"]}' }, 400, ['/userIds/0']],
    ['an unknown key', { body: '{"userIds":["a"],"role":"admin"}' }, 400, ['/role']],
    ['the key __proto__', { body: '{"userIds":["a"],"__proto__":{"kind":"service"}}' }, 400, ['/__proto__']],
    ['malformed JSON', { body: '{"userIds":' }, 400, ['']],
    ['no users for a service', { body: '{}' }, 400, ['/userIds']],
    ['a null body', { body: 'null' }, 400, ['']],
    ['a body that is 0.0', { body: '0.0' }, 400, ['']],
    ['a wrong type', { body: 'userIds=a', headers: { 'Content-Type': 'text/plain' } }, 415, undefined],
  ])('refuses %s', async (_name, options, status, pointers) => {
    const answer = await sandbox.post('g', { token: service, ...options });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect((answer.json.errors as { pointer: string }[] | undefined)?.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(im().calls).toEqual([]);
  });

  it('refuses ids that a program wrote in GBK, and joins nobody', async () => {
    const name = Buffer.from([0xd5, 0xc5, 0xc8, 0xfd]);
    const body = Buffer.concat([Buffer.from('{"userIds":["'), name, Buffer.from('"]}')]);
    const { status, json } = await sandbox.post('g', { token: service, body });
    expect([status, json.code]).toEqual([400, 'INVALID_REQUEST']);
    expect(im().calls).toEqual([]);
  });

  it('takes JSON in UTF-8 alone, not packed, with or without its mark', async () => {
    const body = '{"userIds":["a"]}';
    const statusOf = async (headers: Record<string, string>, bytes: string | Uint8Array<ArrayBuffer> = body) =>
      (await sandbox.post('g', { token: service, headers, body: bytes })).status;
    expect(await statusOf({ 'Content-Type': 'application/json; charset=GBK' })).toBe(415);
    expect(await statusOf({ 'Content-Encoding': 'gzip' }, gzipSync(body))).toBe(415);
    expect(im().calls).toEqual([]);
    expect(await statusOf({ 'Content-Type': 'application/json; charset="utf-8"' })).toBe(200);
    expect(await statusOf({ 'Content-Encoding': 'identity' })).toBe(200);
    expect(await statusOf({}, `\ufeff${body}`)).toBe(200);
  });

  it('points at a group id in the path', async () => {
    const { status, json } = await sandbox.post(' x', { token: service, body: '{"userIds":["a"]}' });
    expect([status, json.errors]).toEqual([
      400,
      [{ pointer: '/groupId', detail: 'Must not begin or end with white space.' }],
    ]);
  });

  it.each(['a b', 'a+b', 'a&userId=admin', '用户', '😀', "o'hara", '...'])(
    'carries the id %s to the IM service as it is',
    async (id) => {
      expect((await sandbox.post('g', { token: service, body: JSON.stringify({ userIds: [id] }) })).status).toBe(200);
      expect(im().app.groups.members('g')).toEqual([id]);
      expect((await sandbox.post(id, { token: service, body: '{"userIds":["a"]}' })).status).toBe(200);
      expect(im().app.groups.members(id)).toEqual(['a']);
    },
  );

  it.each([
    ['a%25', 'a%'],
    ['a%3Fb', 'a?b'],
    ['a%252Fb', 'a%2Fb'],
    ['a%2Fb', 'a/b'],
    ['a%23b', 'a#b'],
    ['a%5Cb', 'a\\b'],
    ['%2E', '.'],
    ['%2e%2E', '..'],
  ])('does not take the group that a path writes as %s, which the other doors do', async (path, groupId) => {
    for (const prefer of [undefined, 'respond-async', 'respond-async, wait=1']) {
      // As it is: fetch would resolve dots.
      const { status, headers, body } = await forward({
        url: sandbox.httpUrl,
        path: `/groups/${path}/members`,
        method: 'POST',
        headers: { authorization: `Bearer ${service}`, ...(prefer !== undefined && { prefer }) },
        body: Buffer.from('{"userIds":["a"]}'),
      });
      expectDescribed({ status, headers: Object.entries(headers), body: body.toString('utf8') });
      expect([status, JSON.parse(body.toString('utf8')).errors]).toMatchObject([400, [{ pointer: '/groupId' }]]);
    }
    expect(im().calls).toEqual([]);
    const userIds = ['a', groupId];
    expect((await sandbox.post('g', { token: service, body: JSON.stringify({ userIds }) })).status).toBe(200);
    expect((await sandbox.invoke({ groupId, userIds })).functionError).toBeUndefined();
    sandbox.queue.send(JSON.stringify({ groupId, userIds: ['queued'] }));
    await expect.poll(() => im().app.groups.members(groupId), { timeout: 15_000 }).toEqual([...userIds, 'queued']);
  });

  it('answers 207 when a group fills up on the way, and fills it', async () => {
    await sandbox.post('full', { token: service, body: JSON.stringify({ userIds: people(1500) }) });
    const late = Array.from({ length: 2600 }, (_, i) => `late-${i}`);
    const { status, text } = await sandbox.post('full', { token: service, body: JSON.stringify({ userIds: late }) });
    expect(status).toBe(207);
    const json: { joined: string[]; failed: { userIds: string[]; code: string }[] } = JSON.parse(text);
    // Each place is taken, and the answer has each user once, in the order of the request.
    expect(json.joined).toHaveLength(1500);
    expect(im().app.groups.members('full')).toHaveLength(3000);
    const failed = json.failed.flatMap(({ userIds }) => userIds);
    expect(new Set(json.failed.map(({ code }) => code))).toEqual(new Set(['GROUP_FULL']));
    expect(late.filter((userId) => !json.joined.includes(userId))).toEqual(failed);
  });

  it.each([
    ['a token in the query', '?access_token=TOKEN', {}],
    ['two Authorization headers', '', { 'X-Twice': '1' }],
  ])('refuses %s', async (_name, query, extra) => {
    const url = `${sandbox.httpUrl}/groups/team-1/members${query.replace('TOKEN', alice)}`;
    const headers = new Headers(extra);
    if (query === '') {
      headers.append('Authorization', `Bearer ${alice}`);
      headers.append('Authorization', `Bearer ${alice}`);
    }
    expect((await described(await fetch(url, { method: 'POST', headers })))[0]).toBe(401);
    expect(im().calls).toEqual([]);
  });

  it('lets a page of an allowed origin send all headers that the door reads', async () => {
    const preflight = (origin: string) =>
      fetch(`${sandbox.httpUrl}/groups/g/members`, {
        method: 'OPTIONS',
        headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
      });
    const { status, headers } = await preflight('https://app.example');
    expect([status, headers.get('access-control-allow-origin'), headers.get('access-control-allow-methods')]).toEqual([
      204,
      'https://app.example',
      'POST',
    ]);
    expect(headers.get('access-control-allow-headers')).toBe(
      'authorization,content-type,prefer,traceparent,x-request-id,tracestate',
    );
    expect((await preflight('https://other.example')).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('answers as API Gateway where there is no route', async () => {
    for (const path of ['/', '/groups/g', '/groups/g/members/x', '/groups/g/members/']) {
      const response = await fetch(`${sandbox.httpUrl}${path}`, { method: 'POST' });
      expect(await described(response)).toEqual([404, { message: 'Not Found' }]);
    }
    const wrongMethod = await fetch(`${sandbox.httpUrl}/groups/g/members`);
    expect(await described(wrongMethod)).toEqual([404, { message: 'Not Found' }]);
  });

  it("does not show the key of serverless-offline's ports to who asks with its name", async () => {
    const { headers } = await forward({
      url: sandbox.httpUrl,
      path: '/groups/g/members',
      method: 'POST',
      // The last of a request stands before the key.
      headers: { Host: '127.0.0.1', 'X-Request-ID': 'x-sandbox-key' },
      body: Buffer.alloc(0),
    });
    expect(headers['x-request-id']).toBe('x-sandbox-key');
  });

  it('lets browsers call from the configured origin alone', async () => {
    const from = async (origin: string, method: string) => {
      const response = await fetch(`${sandbox.httpUrl}/groups/team-1/members`, {
        method,
        headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
      });
      if (response.status === 401) await described(response);
      return [response.status, response.headers.get('access-control-allow-origin')];
    };
    expect(await from('https://app.example', 'OPTIONS')).toEqual([204, 'https://app.example']);
    expect(await from('https://app.example', 'POST')).toEqual([401, 'https://app.example']);
    expect(await from('https://evil.example', 'OPTIONS')).toEqual([403, null]);
    expect(await from('https://evil.example', 'POST')).toEqual([403, null]);
  });
});

describe('failover, end to end', () => {
  it('joins through the backup while the primary is broken, and stays there', async () => {
    im().fault.set({ kind: 'close' });
    expect((await sandbox.post('g', { token: service, body: '{"userIds":["a"]}' })).status).toBe(200);
    const seenByPrimary = im().calls.length;
    expect((await sandbox.post('g', { token: service, body: '{"userIds":["b"]}' })).status).toBe(200);
    expect(sandbox.im.backup.calls.map(({ userIds }) => userIds)).toEqual([['a'], ['b']]);
    expect(im().calls).toHaveLength(seenByPrimary);
    expect(im().app.groups.members('g')).toEqual(['a', 'b']);
    // Back to the primary for the tests that follow.
    sandbox.im.backup.fault.set({ kind: 'close' });
    im().fault.set(undefined);
    expect((await sandbox.post('g', { token: service, body: '{"userIds":["c"]}' })).status).toBe(200);
    expect(im().app.groups.members('g')).toEqual(['a', 'b', 'c']);
  });

  it('fails no join when the secret is rotated', async () => {
    expect((await sandbox.post('g', { token: service, body: '{"userIds":["a"]}' })).status).toBe(200);
    im().app.appSecret = 'rotated-app-secret';
    sandbox.secrets.set(
      'rongcloud/app',
      JSON.stringify({ appKey: 'sandbox-app-key', appSecret: 'rotated-app-secret' }),
    );
    expect((await sandbox.post('g', { token: service, body: '{"userIds":["b"]}' })).status).toBe(200);
    expect((await sandbox.invoke({ groupId: 'g', userIds: ['c'] })).functionError).toBeUndefined();
    expect(im().app.groups.members('g')).toEqual(['a', 'b', 'c']);
  });
});
