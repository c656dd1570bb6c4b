import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import createClient from 'openapi-fetch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { paths } from '../../docs/openapi.d.ts';
import { expectDescribed } from '../helpers/openapi.ts';
import { startTestSandbox, type TestSandbox } from '../helpers/sandbox.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox?.close());

/** A client of the HTTP door with the document's types. */
async function clientOf(claims: { sub: string; scope?: string }) {
  const Authorization = `Bearer ${await sandbox.issuer.token(claims)}`;
  const client = createClient<paths>({ baseUrl: sandbox.httpUrl, headers: { Authorization } });
  client.use({
    async onResponse({ response }) {
      const body = await response.clone().text();
      expectDescribed({ status: response.status, headers: response.headers, body });
    },
  });
  return client;
}

it('the types are made from the document as it is', () => {
  const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  const digest = createHash('sha256').update(read('openapi.yaml')).digest('hex');
  expect(read('openapi.d.ts'), 'Run npm run types:api.').toContain(`sha256 ${digest}`);
});

it('a client with the types joins users, now and later', async () => {
  const client = await clientOf({ sub: 'backend', scope: 'group:join' });
  const path = { groupId: 'a group/1' };
  const now = await client.POST('/groups/{groupId}/members', { params: { path }, body: { userIds: ['a', 'b'] } });
  const joined: string[] | undefined = now.data && 'joined' in now.data ? now.data.joined : undefined;
  expect([now.response.status, joined]).toEqual([200, ['a', 'b']]);
  const header = { Prefer: 'respond-async' };
  const later = await client.POST('/groups/{groupId}/members', { params: { path, header }, body: { userIds: ['c'] } });
  expect(later.data).toMatchObject({ queued: ['c'] });
});

it('a client with the types reads a problem by its code', async () => {
  const client = await clientOf({ sub: 'alice' });
  const { error } = await client.POST('/groups/{groupId}/members', {
    params: { path: { groupId: 'g' } },
    // @ts-expect-error ids are texts
    body: { userIds: [7] },
  });
  if (!error || !('code' in error)) throw new Error('no problem');
  const outcome: 'not_sent' | 'rejected' | 'unknown' = error.outcome;
  expect([error.code, outcome]).toEqual(['INVALID_REQUEST', 'not_sent']);
  // @ts-expect-error no such code
  expect(error.code === 'NOTHING').toBe(false);
});
