import { generateKeyPairSync, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decide } from '../lib/policy.ts';
import { REFUSED, SERVICE } from './helpers/claims.ts';
import { type FaultBed, startFaultBed } from './helpers/fault-bed.ts';
import { answers, startFaultyServer } from './helpers/faulty-server.ts';
import { goodClaims } from './helpers/tokens.ts';

// The OWASP API Security Top 10 (2023), item by item. SECURITY.md says what is done for each.
const ROOT = new URL('..', import.meta.url);
const titles: string[] = [];
let bed: FaultBed;
beforeEach(async () => {
  bed = await startFaultBed();
});
afterEach(() => bed.close());

function item(title: string, test: () => Promise<void>): void {
  titles.push(title);
  it(title, test);
}
/** The bed anew, under the rule of lib/policy.ts. */
async function withRule(): Promise<void> {
  await bed.close();
  bed = await startFaultBed({ decide });
}
const bearer = async (claims: object) => ({
  authorization: `Bearer ${await bed.key.sign({ ...goodClaims(now()), ...claims })}`,
});
const seen = () => bed.primary.connections + bed.backup.connections;
const now = () => Math.floor(bed.now() / 1000);
const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

item('API1 a user whose token grants nothing can not add another user to a group', async () => {
  await withRule();
  expect((await bed.post({ ...(await bearer(REFUSED.claims)), body: '{"userIds":["victim"]}' })).code).toBe(
    'FORBIDDEN',
  );
  expect(seen()).toBe(0);
  expect((await bed.post({ ...(await bearer(SERVICE)), body: '{"userIds":["victim"]}' })).status).toBe(200);
});

item('API2 a token in the query string, or none, is no authentication', async () => {
  const token = await bed.token();
  const refused = [
    await bed.post({ authorization: undefined, query: `access_token=${token}` }),
    await bed.post({ authorization: undefined, body: JSON.stringify({ access_token: token }) }),
    await bed.post({ authorization: `Bearer ${token}x` }),
    await bed.post({ authorization: `Basic ${token}` }),
  ];
  expect(refused.map(({ code }) => code)).toEqual(Array(4).fill('UNAUTHENTICATED'));
  expect(seen()).toBe(0);
  expect((await bed.post({ authorization: `Bearer ${token}` })).status).toBe(200);
});

item(
  'API3 unknown keys such as __proto__ are refused, and a user whose token grants nothing can not rename a group',
  async () => {
    for (const key of ['__proto__', 'constructor', 'role', 'groupId', 'caller']) {
      expect((await bed.post({ body: `{"${key}":{"kind":"service"}}` })).code).toBe('INVALID_REQUEST');
    }
    await withRule();
    expect((await bed.post({ ...(await bearer(REFUSED.claims)), body: REFUSED.body })).code).toBe('FORBIDDEN');
    expect(seen()).toBe(0);
    expect((await bed.post({ ...(await bearer(SERVICE)), body: REFUSED.body })).status).toBe(200);
  },
);

item('API4 a body of 10 MB, JSON 100 000 deep and 3001 users cost little and send nothing', async () => {
  const list = `{"userIds":[${'"x",'.repeat(2_500_000)}"y"]}`;
  expect(list.length).toBeGreaterThan(10_000_000 - 30);
  expect((await bed.post({ body: list })).code).toBe('PAYLOAD_TOO_LARGE');
  expect((await bed.post({ body: `{"userIds":[${'0,'.repeat(5_000_000)}0]}` })).code).toBe('PAYLOAD_TOO_LARGE');
  expect((await bed.post({ body: `{"userIds":[${'0,'.repeat(500_000)}0]}` })).code).toBe('INVALID_REQUEST');
  expect((await bed.post({ body: `{"userIds":${'['.repeat(100_000)}${']'.repeat(100_000)}}` })).code).toBe(
    'INVALID_REQUEST',
  );
  const many = JSON.stringify({ userIds: Array.from({ length: 3001 }, (_, i) => `u${i}`) });
  const refused = await bed.post({ body: many });
  expect(refused.code).toBe('INVALID_REQUEST');
  expect(refused.text.length).toBeLessThan(1000);
  expect(seen()).toBe(0);
});

item('API5 only the whole word of the service scope makes a service', async () => {
  await withRule();
  const as = async (claims: object) =>
    (await bed.post({ ...(await bearer({ ...REFUSED.claims, ...claims })), body: REFUSED.body })).status;
  expect(await as({ scope: 'group:joiner' })).toBe(403);
  expect(await as({ scope: 'xgroup:join' })).toBe(403);
  expect(await as({ roles: ['group:join'], permissions: ['group:join'] })).toBe(403);
  expect(seen()).toBe(0);
  expect(await as({ scope: 'openid group:join' })).toBe(200);
});

item('API6 no group is open unless it is configured to be, and requests are throttled', async () => {
  const template = await readFile(new URL('serverless.yml', ROOT), 'utf8');
  expect(template).toMatch(/\n {6}openGroups: ["']{2}\n/);
  expect(template).toMatch(/\n {6}jwtGroupsClaim: ["']{2}\n/);
  expect(template).toMatch(/ThrottlingRateLimit: \$\{param:throttleRate\}/);
});

item('API7 a jku that points to a local listener is never fetched', async () => {
  const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const theirs = { ...attacker.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig' };
  const listener = await startFaultyServer(answers(200, JSON.stringify({ keys: [theirs] })));
  for (const header of [{ jku: listener.url }, { x5u: listener.url }, { jwk: theirs }]) {
    const input = `${encoded({ alg: 'RS256', kid: 'k1', ...header })}.${encoded(goodClaims(now()))}`;
    const forged = `${input}.${sign('sha256', Buffer.from(input), attacker.privateKey).toString('base64url')}`;
    expect((await bed.post({ authorization: `Bearer ${forged}` })).code).toBe('UNAUTHENTICATED');
  }
  expect(listener.connections).toBe(0);
  await listener.close();
  expect((await bed.post()).status).toBe(200);
});

item('API8 no wildcard origin unless asked for, no caching, no stack in any answer', async () => {
  const template = await readFile(new URL('serverless.yml', ROOT), 'utf8');
  expect(template).toMatch(/\n {6}corsOrigins: ["']{2}\n/);
  expect(template).not.toMatch(/AllowOrigins:\s*\[?\s*["']?\*/);
  for (const body of ['{', '[]', '{"userIds":7}', '\u0000']) {
    const { headers, text } = await bed.post({ body });
    expect(headers).toMatchObject({ 'Cache-Control': 'no-store' });
    expect(text).not.toMatch(/\bat .+:\d+|node_modules|\.ts\b|\.mjs\b/);
  }
});

item('API9 there is one route and one version of it', async () => {
  const template = await readFile(new URL('serverless.yml', ROOT), 'utf8');
  expect(template.match(/httpApi: .+/g)).toEqual(['httpApi: POST /groups/{groupId}/members']);
});

item('API10 an answer of RongCloud is believed only if it is whole, small and said by RongCloud itself', async () => {
  const third = await startFaultyServer(answers(200, '{"code":200}'));
  const lies = [
    answers(302, '', { Location: third.url }),
    answers(200, `{"code":200,"x":"${'x'.repeat(70_000)}"}`),
    answers(200, '<html>{"code":200}</html>'),
    answers(200, '{"code":"200"}'),
  ];
  for (const lie of lies) {
    bed.primary.behave(lie);
    bed.backup.behave(lie);
    const answer = await bed.post();
    expect(answer.code).toBe('UPSTREAM_UNREADABLE');
    expect(answer.text).not.toContain('html');
  }
  expect(third.connections).toBe(0);
  await third.close();
});

it('SECURITY.md lists every item, in this order', async () => {
  const document = await readFile(new URL('SECURITY.md', ROOT), 'utf8');
  const listed = [...document.matchAll(/\n- \*\*(API\d+) [^:]{10,}:\*\* .{8,}/g)].map(([, id]) => id);
  expect(listed).toEqual(titles.map((title) => title.split(' ')[0]));
});
