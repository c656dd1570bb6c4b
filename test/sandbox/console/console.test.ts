import { execFileSync, spawn } from 'node:child_process';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sign } from '../../../lib/rongcloud/signature.ts';
import { toCurl } from '../../../sandbox/console/joins.ts';
import { Stream } from '../../../sandbox/console/stream.ts';
import { listen } from '../../../sandbox/http/server.ts';
import { startConsoleBed } from '../../helpers/console-bed.ts';

let bed: Awaited<ReturnType<typeof startConsoleBed>>;
beforeEach(async () => {
  bed = await startConsoleBed();
});
afterEach(() => bed.close());

const app = { appKey: 'bed-key', appSecret: 'bed-secret' };
let nonces = 0;
/** A call of the IM service, signed well unless `headers` say otherwise. */
function call(url: string, userIds: readonly string[], headers: Record<string, string> = {}) {
  nonces += 1;
  const form = new URLSearchParams({ groupId: 'g' });
  for (const id of userIds) form.append('userId', id);
  return fetch(`${url}/group/join.json`, {
    method: 'POST',
    headers: { ...sign(app, `n${nonces}`, Date.now()), 'X-Request-ID': 'r-1', ...headers },
    body: form,
  });
}

describe("the console's state", () => {
  it('has each call with its domain, its attempt, its checks and what it was answered', async () => {
    bed.primary.fault.set({ kind: 'status', status: 503 });
    await call(bed.primary.url, ['a']);
    await call(bed.backup.url, ['a']);
    await call(bed.backup.url, ['b'], { signature: 'wrong' });
    const [third, second, first] = (await bed.state()).calls;
    expect(first).toMatchObject({ domain: 'primary', attempt: 1, requestId: 'r-1', code: 0 });
    expect(first?.fault).toEqual({ kind: 'status', status: 503 });
    expect(first?.checks.every(({ ok }) => ok)).toBe(true);
    expect(second).toMatchObject({ domain: 'backup', attempt: 2, status: 200, code: 200, userIds: ['a'] });
    // Other users of the same request: no repetition.
    expect(third).toMatchObject({
      attempt: 1,
      status: 401,
      code: 1004,
      errorMessage: expect.stringMatching(/^Signature/),
    });
    expect(third?.checks.filter(({ ok }) => !ok).map(({ rule }) => rule)).toEqual(['Signature']);
  });

  it('shortens long lists and says how long they are', async () => {
    await call(
      bed.primary.url,
      Array.from({ length: 30 }, (_, i) => `u${i}`),
    );
    const { groups, calls } = await bed.state();
    expect(groups).toMatchObject({ count: 1, newest: [{ groupId: 'g', count: 30 }] });
    expect(groups.newest[0]?.newest).toHaveLength(20);
    expect(groups.newest[0]?.newest[0]).toBe('u29');
    expect(calls[0]?.userCount).toBe(30);
    expect(calls[0]?.userIds).toHaveLength(10);
  });

  it('keeps no more calls than it is told, the newest', async () => {
    for (const id of ['1', '2', '3', '4', '5', '6']) await call(bed.primary.url, [id]);
    expect((await bed.state()).calls.map(({ userIds }) => userIds[0])).toEqual(['6', '5', '4', '3', '2']);
  });

  it('has the messages of both queues, cut where they are long, and the events', async () => {
    bed.queue.send('first', { note: { DataType: 'String', StringValue: 'x' } });
    bed.queue.receive(1);
    bed.queue.send('later', {}, { delaySeconds: 60 });
    bed.deadLetterQueue.send('y'.repeat(5000), { errors: { DataType: 'String', StringValue: 'z'.repeat(1500) } });
    const detail = JSON.stringify({ groupId: 'g', results: [] });
    bed.bus.putEvents({
      Entries: [{ EventBusName: 'results', Source: 's', DetailType: 'Joins Settled', Detail: detail }],
    });
    const { queue, deadLetters, events } = await bed.state();
    expect(queue).toMatchObject({ name: 'joins', ready: 0, hidden: 1, delayed: 1 });
    expect(queue.newest.find(({ body }) => body === 'first')).toMatchObject({
      ...{ state: 'hidden', receiveCount: 1, attributes: { note: 'x' }, until: expect.any(Number) },
    });
    expect(deadLetters.newest[0]?.body).toHaveLength(2001);
    expect(deadLetters.newest[0]?.attributes.errors).toHaveLength(1500);
    expect(events).toMatchObject([{ type: 'Joins Settled', detail }]);
  });

  it('has the requests that made no call, as their log lines tell, the newest first', async () => {
    const line = { message: 'not joined', timestamp: '2026-01-02T03:04:05.678Z', door: 'http', requestId: 'r-1' };
    const hear = (fields: object) => bed.refusals.hearLine(JSON.stringify({ level: 'WARN', ...line, ...fields }));
    hear({ status: 401, code: 'UNAUTHENTICATED', cause: 'Error: no Authorization header' });
    hear({ status: 503, code: 'UPSTREAM_UNAVAILABLE', attempts: 3 });
    hear({ status: 200, code: 'X', message: 'joined' });
    bed.refusals.hearLine('"not joined"');
    hear({ status: 403, code: 'FORBIDDEN', groupId: 'g'.repeat(200), secret: 'planted' });
    const at = Date.parse(line.timestamp);
    const common = { at, door: 'http', requestId: 'r-1' };
    expect((await bed.state()).refusals).toEqual([
      { ...common, groupId: `${'g'.repeat(128)}…`, status: 403, code: 'FORBIDDEN' },
      { ...common, status: 401, code: 'UNAUTHENTICATED', cause: 'Error: no Authorization header' },
    ]);
    const errors = [{ pointer: '/userIds/0', detail: 'Must not be empty.' }];
    for (const requestId of ['r-2', 'r-3']) hear({ requestId, status: 400, code: 'INVALID_REQUEST' });
    bed.refusals.hearAnswer(JSON.stringify({ requestId: 'r-2', detail: 'The request is not valid.', errors }));
    bed.refusals.hearAnswer(JSON.stringify({ requestId: 'r-3', detail: 'Said.' }));
    for (const body of ['', '{', '{"message":"Not Found"}']) bed.refusals.hearAnswer(body);
    const causes = (await bed.state()).refusals.map(({ cause }) => cause);
    expect(causes).toEqual(['Said.', '/userIds/0 Must not be empty.', undefined, 'Error: no Authorization header']);
    for (let i = 0; i < 150; i++) hear({ status: 400, code: 'INVALID_REQUEST' });
    expect((await bed.state()).refusals).toHaveLength(100);
  });

  it('names the domain of the last call, and none once the functions are fresh', async () => {
    const domain = async () => (await bed.state()).service.lastDomain;
    expect(await domain()).toBeUndefined();
    await call(bed.backup.url, ['a']);
    expect(await domain()).toBe('backup');
    await new Promise((done) => setTimeout(done, 5));
    expect(await bed.refusal('POST', 'fresh-functions', {})).toEqual([204, '']);
    expect(await domain()).toBeUndefined();
  });

  it('never holds the App Secret', async () => {
    await call(bed.primary.url, ['a']);
    expect(JSON.stringify(await bed.state())).not.toContain('bed-secret');
  });
});

describe('a join that is asked for', () => {
  const join = async (order: object) => JSON.parse(await (await bed.ask('POST', 'joins', order)).text());

  it.each([
    ['now', { as: 'user' }, undefined],
    ['later', { as: 'user', when: 'queued' }, 'respond-async'],
    ['now or later', { as: 'user', when: 'wait', waitSeconds: 3 }, 'respond-async, wait=3'],
  ])('as a user goes without a body, %s', async (_when, order, prefer) => {
    await join({ groupId: 'a/b', userIds: ['alice'], ...order });
    expect(bed.asked).toMatchObject([
      { url: '/groups/a%2Fb/members', body: '', headers: { authorization: 'Bearer token' } },
    ]);
    expect(bed.asked[0]?.headers.prefer).toBe(prefer);
    expect(bed.claims).toEqual([{ sub: 'alice', groups: ['a/b'] }]);
  });

  it('as a backend names the users, and may name the group and add claims', async () => {
    await join({ groupId: 'g', userIds: ['a', 'b'], as: 'backend', groupName: 'G', claims: { tenant: 'x' } });
    expect(bed.asked[0]?.body).toBe('{"userIds":["a","b"],"groupName":"G"}');
    expect(bed.claims).toEqual([{ sub: 'backend', scope: 'group:join', tenant: 'x' }]);
  });

  it('gives back the answer and a command that asks the same', async () => {
    const userIds = ["O'Brien", '$(id)', '`id`', '用户', '\u009b31m'];
    const { curl, answer } = await join({ groupId: "it's", userIds, as: 'backend', when: 'queued' });
    expect(answer).toEqual({
      status: 202,
      reason: 'Accepted',
      headers: { 'content-type': 'application/json; charset=utf-8', 'x-request-id': 'r-1' },
      body: '{"queued":[]}',
    });
    expect(curl).not.toMatch(/[^\n\P{Cc}]/u);
    const [first] = bed.asked;
    // In the background, since this process has to answer.
    await new Promise((done) => spawn('sh', ['-c', curl], { stdio: 'ignore' }).on('close', done));
    expect(bed.asked).toHaveLength(2);
    expect(JSON.parse(bed.asked[1]?.body ?? '')).toEqual({ userIds });
    const { url, headers } = bed.asked[1] ?? {};
    expect([url, headers?.prefer, headers?.authorization, headers?.['content-type']]).toEqual([
      ...[first?.url, 'respond-async', 'Bearer token', 'application/json'],
    ]);
  });

  it.each([
    [{}, /groupId is missing; userIds is missing; as is missing/],
    [{ groupId: '', userIds: [], as: 'user' }, /groupId must not be empty; userIds must name somebody/],
    [{ groupId: 'g', userIds: [7], as: 'user' }, /userIds\.0 must be a text/],
    [{ groupId: 'g', userIds: ['a'], as: 'user', when: 'soon' }, /when must be now, queued or wait/],
    [{ groupId: 'g', userIds: ['a'], as: 'user', waitSeconds: 9 }, /waitSeconds must be at most 8/],
    [{ groupId: 'g', userIds: ['a'], as: 'user', claims: [] }, /claims must be an object/],
    [{ groupId: 'g', userIds: ['a'], as: 'user', extra: 1 }, /extra must not be there/],
    [[], /The body must be a JSON object/],
    ['{', /The body is not JSON/],
  ])('is refused for %j', async (order, reason) => {
    expect(await bed.refusal('POST', 'joins', order)).toEqual([400, expect.stringMatching(reason)]);
    expect(bed.asked).toEqual([]);
  });
});

describe('the faults', () => {
  it('break and mend each of the four', async () => {
    for (const name of ['rongcloud-primary', 'rongcloud-backup', 'secrets-manager', 'issuer']) {
      expect(await bed.refusal('PUT', `faults/${name}`, { kind: 'hang', calls: 2 })).toEqual([204, '']);
    }
    expect((await bed.state()).faults.map(({ how }) => how)).toEqual(Array(4).fill({ kind: 'hang', calls: 2 }));
    for (const name of bed.faults.keys()) expect(await bed.refusal('DELETE', `faults/${name}`)).toEqual([204, '']);
    expect((await bed.state()).faults.map(({ how }) => how)).toEqual(Array(4).fill(undefined));
  });

  it('count down, call by call', async () => {
    await bed.ask('PUT', 'faults/rongcloud-primary', { kind: 'status', status: 500, calls: 2 });
    const statuses = [];
    for (const id of ['1', '2', '3']) statuses.push((await call(bed.primary.url, [id])).status);
    expect(statuses).toEqual([500, 500, 200]);
    expect((await bed.state()).faults[0]).toEqual({ name: 'rongcloud-primary', asked: 3, met: 2 });
  });

  it.each([
    ['rongcloud-primary', { kind: 'explode' }, 400, /^kind must be/],
    ['nobody', { kind: 'hang' }, 400, /^The fault must be of rongcloud-primary, /],
    ['issuer', { kind: 'hang', carryOut: true }, 400, /^carryOut is for/],
    ['%zz', { kind: 'hang' }, 400, /^The path is not percent-encoded/],
  ])('are not set for %s with %j', async (name, how, status, reason) => {
    expect(await bed.refusal('PUT', `faults/${name}`, how)).toEqual([status, expect.stringMatching(reason)]);
    expect((await bed.state()).faults.every((fault) => fault.how === undefined)).toBe(true);
  });
});

describe("RongCloud's stand-in", () => {
  it('shows its calls on both domains, newest first, and every member of a group', async () => {
    const ids = Array.from({ length: 30 }, (_, i) => `u${i}`);
    await call(bed.primary.url, ids);
    await call(bed.backup.url, ['late']);
    expect(await (await bed.ask('GET', 'calls')).json()).toEqual((await bed.state()).calls);
    expect((await bed.state()).calls).toMatchObject([{ domain: 'backup' }, { domain: 'primary', userCount: 30 }]);
    expect(await (await bed.ask('GET', 'members/g')).json()).toEqual([...ids, 'late']);
    expect(await (await bed.ask('GET', 'members/a%2Fb')).json()).toEqual([]);
  });

  it('takes any nonce and timestamp on both domains, until it is told to look at them again', async () => {
    const stale = () => call(bed.backup.url, ['a'], { ...sign(app, 'again', 1) });
    expect((await stale()).status).toBe(401);
    expect(await bed.refusal('PUT', 'leniency')).toEqual([204, '']);
    expect((await bed.state()).service.lenient).toBe(true);
    expect([(await stale()).status, (await stale()).status]).toEqual([200, 200]);
    expect(await bed.refusal('DELETE', 'leniency')).toEqual([204, '']);
    expect((await stale()).status).toBe(401);
  });

  it('resets its App Secret', async () => {
    expect(await bed.refusal('PUT', 'app-secret', '{"appSecret":"the-new-secret"}')).toEqual([204, '']);
    expect((await call(bed.primary.url, ['a'])).status).toBe(401);
    const headers = { ...sign({ ...app, appSecret: 'the-new-secret' }, 'new', Date.now()) };
    expect((await call(bed.primary.url, ['a'], headers)).status).toBe(200);
  });

  it.each([
    ['', /^The body must be a JSON object/],
    ['the-new-secret', /^The body is not JSON/],
    [{}, /^appSecret is missing/],
    [{ appSecret: '' }, /^appSecret must not be empty/],
    [{ appSecret: 7 }, /^appSecret must be a text/],
  ])('keeps its App Secret if it is told %j', async (body, reason) => {
    expect(await bed.refusal('PUT', 'app-secret', body)).toEqual([400, expect.stringMatching(reason)]);
    expect((await call(bed.primary.url, ['a'])).status).toBe(200);
  });
});

describe('unknown users', () => {
  it('are unknown until they are known again', async () => {
    const id = encodeURIComponent('a/用户');
    expect(await bed.refusal('PUT', `unknown-users/${id}`, {})).toEqual([204, '']);
    expect((await bed.state()).unknownUsers).toEqual(['a/用户']);
    expect((await call(bed.primary.url, ['a/用户'])).status).toBe(400);
    expect(await bed.refusal('DELETE', `unknown-users/${id}`)).toEqual([204, '']);
    expect((await call(bed.primary.url, ['a/用户'])).status).toBe(200);
  });

  it('have ids of 1 to 64 characters, not blanks alone', async () => {
    expect((await bed.refusal('PUT', 'unknown-users/%20', {}))[0]).toBe(400);
    expect((await bed.refusal('PUT', `unknown-users/${'x'.repeat(65)}`, {}))[0]).toBe(400);
    expect((await bed.refusal('PUT', 'unknown-users/', {}))[0]).toBe(400);
    expect((await bed.refusal('PUT', `unknown-users/${'x'.repeat(64)}`, {}))[0]).toBe(204);
  });
});

describe('a dead letter', () => {
  it('goes back to the queue as it is, and is gone', async () => {
    const attributes = { code: { DataType: 'String', StringValue: 'GROUP_FULL' } };
    const { messageId } = bed.deadLetterQueue.send('first', attributes, { groupId: 'sender' });
    bed.deadLetterQueue.send('second');
    expect(await bed.refusal('POST', `dead-letters/${messageId}/put-back`, {})).toEqual([204, '']);
    expect(bed.queue.receive(10)).toMatchObject([{ body: 'first', attributes, groupId: 'sender', receiveCount: 1 }]);
    expect(bed.deadLetterQueue.bodies()).toEqual(['second']);
    expect((await bed.refusal('POST', `dead-letters/${messageId}/put-back`, {}))[0]).toBe(404);
  });

  it('stays where it is while somebody has received it', async () => {
    const { messageId } = bed.deadLetterQueue.send('taken');
    bed.deadLetterQueue.receive(1);
    const [status, reason] = await bed.refusal('POST', `dead-letters/${messageId}/put-back`, {});
    expect([status, reason]).toEqual([409, expect.stringContaining('received')]);
    expect([bed.deadLetterQueue.bodies(), bed.queue.bodies()]).toEqual([['taken'], []]);
  });
});

describe('the interface', () => {
  it('takes only JSON by POST, the one change that a page may send without being asked', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonx',
    ]) {
      const response = await bed.ask('POST', 'joins', '{}', { 'Content-Type': type });
      expect(response.status).toBe(415);
    }
    expect((await bed.ask('POST', 'joins')).status).toBe(415);
    expect(bed.asked).toEqual([]);
    expect((await bed.ask('PUT', 'unknown-users/x', undefined, { 'Content-Type': 'text/plain' })).status).toBe(204);
  });

  it("answers its own page and programs, and no other page's", async () => {
    const { url, port } = bed;
    const status = async (headers: Record<string, string>) =>
      (await bed.ask('PUT', 'unknown-users/x', {}, headers)).status;
    expect(await status({ Origin: url })).toBe(204);
    for (const origin of [
      bed.door.url,
      `http://localhost:${port}`,
      'https://evil.example',
      'null',
      `https://127.0.0.1:${port}`,
    ]) {
      expect(await status({ Origin: origin })).toBe(403);
    }
    expect(await status({ 'Sec-Fetch-Site': 'same-site' })).toBe(403);
    expect(await rawStatus(port, `Host: evil.example:${port}\r\nOrigin: http://evil.example:${port}`)).toBe(403);
    expect(await rawStatus(port, `Host: localhost:${port}\r\nOrigin: http://localhost:${port}`)).toBe(200);
  });

  it.each(['nothing', 'faults', 'faults/issuer/more', 'dead-letters/x', 'joins/x', '../package.json', 'constructor'])(
    'has no address %s',
    async (path) => {
      expect((await bed.ask('POST', path, {})).status).toBe(404);
      expect((await bed.ask('GET', path)).status).toBe(404);
    },
  );

  it('serves the page with a policy that lets nothing in, and no other file', async () => {
    const page = await fetch(bed.url);
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    expect(page.headers.get('content-security-policy')).not.toMatch(/unsafe|\*|https?:/);
    expect(await page.text()).not.toMatch(/<script(?! type="module" src="page.js"><\/script>)|<style| style=| on\w+=/);
    for (const path of ['/page.ts', '/console.ts', '/node_modules/lit-html/package.json', '/%2e%2e/sandbox.ts']) {
      expect((await fetch(bed.url + path)).status).toBe(404);
    }
  });
});

function rawStatus(port: number, headers: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.write(`GET /_sandbox/state HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
    });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(Number(text.split(' ')[1])));
  });
}

describe('the stream', () => {
  /** Reads events until one satisfies; gives all. */
  async function readUntil(
    isLast: (event: Record<string, unknown>) => boolean,
    change: () => unknown = () => undefined,
  ) {
    const stop = new AbortController();
    const response = await fetch(`${bed.url}/_sandbox/stream`, { signal: stop.signal });
    const events: Record<string, unknown>[] = [];
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) events.push(JSON.parse(part.replace(/^data: /, '')));
      if (events.length === 1) await change();
      if (events.some(isLast)) break;
    }
    stop.abort();
    return { events, type: response.headers.get('content-type') };
  }

  it('tells the whole state first, and then what has changed', async () => {
    const { events, type } = await readUntil(
      ({ unknownUsers }) => JSON.stringify(unknownUsers) === '["x"]',
      () => bed.ask('PUT', 'unknown-users/x', {}),
    );
    expect(type).toBe('text/event-stream; charset=utf-8');
    expect(events[0]).toEqual({ ...(await bed.state()), unknownUsers: [] });
    expect(events.slice(1)).toEqual([{ unknownUsers: ['x'] }]);
  });

  it('has room for 20 readers, and for others when they are gone', async () => {
    const stop = new AbortController();
    const open = () => fetch(`${bed.url}/_sandbox/stream`, { signal: stop.signal });
    const readers = await Promise.all(Array.from({ length: 20 }, open));
    expect(readers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await open()).status).toBe(503);
    stop.abort();
    await expect.poll(async () => (await readUntil(() => true).catch(() => undefined))?.events.length).toBe(1);
  });

  it('sends no more to a reader that does not read, and the newest when it reads again', async () => {
    const state = await bed.state();
    const MEGABYTE = 1_000_000;
    let looks = 0;
    const stream = new Stream(() => {
      looks += 1;
      return { ...state, unknownUsers: [`${looks}`.padEnd(MEGABYTE)] };
    }, 1);
    const server = await listen(0, (_, response) => stream.add(response));
    const socket = net.connect(server.port, '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'),
    );
    socket.pause();
    await expect.poll(() => looks, { timeout: 60_000 }).toBeGreaterThan(30);
    const newest = looks;
    const seen: number[] = [];
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      const [, found] = /"unknownUsers":\["(\d+) /.exec(`${chunk}`) ?? [];
      if (found !== undefined) seen.push(Number(found));
    });
    socket.resume();
    await expect.poll(() => seen.at(-1), { timeout: 20_000 }).toBeGreaterThanOrEqual(newest);
    // What the system itself takes in for a socket is a few MB, and what was sent since is some more.
    expect(seen.length).toBeLessThan(25);
    expect(bytes).toBeLessThan(25 * MEGABYTE);
    socket.destroy();
    await server.close();
  }, 90_000);
});

describe('with the real RongCloud', () => {
  it('shows what there is, and changes nothing there', async () => {
    await bed.close();
    bed = await startConsoleBed({ real: true });
    const { service, groups, calls, faults } = await bed.state();
    expect(service).toMatchObject({ realRongCloud: 'singapore' });
    expect([groups, calls]).toEqual([{ count: 0, newest: [] }, []]);
    expect(faults.map(({ name }) => name)).toEqual(['secrets-manager', 'issuer']);
    expect((await bed.refusal('PUT', 'faults/rongcloud-primary', { kind: 'hang' }))[0]).toBe(404);
    expect((await bed.refusal('PUT', 'unknown-users/x', {}))[0]).toBe(404);
    expect((await bed.refusal('PUT', 'leniency'))[0]).toBe(404);
    expect((await bed.refusal('PUT', 'app-secret', { appSecret: 'x' }))[0]).toBe(404);
    expect((await bed.refusal('GET', 'members/g'))[0]).toBe(404);
  });
});

describe('a command for the shell', () => {
  it('gives each part as it is', () => {
    const nasty = `it's "$(id)" \`id\` \\ !x\n-H`;
    const command = toCurl({ url: 'http://a/b', headers: { X: nasty }, body: nasty });
    const shown = execFileSync('sh', ['-c', `curl() { printf '%s\\0' "$@"; }\n${command}`], { encoding: 'utf8' });
    expect(shown.split('\0')).toEqual(['-i', '-X', 'POST', 'http://a/b', '-H', `X: ${nasty}`, '-d', nasty, '']);
  });
});
