import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import createClient from 'openapi-fetch';
import { expect, it } from 'vitest';
import type { paths } from '../../docs/openapi.d.ts';
import { type Ask, ask, service } from '../helpers/http-door.ts';

/** A client of the HTTP door with the document's types. */
function clientOf(door: Ask) {
  return createClient<paths>({
    baseUrl: 'https://door.invalid',
    async fetch(request) {
      const groupId = decodeURIComponent(new URL(request.url).pathname.split('/')[2] ?? '');
      const headers = Object.fromEntries(request.headers);
      const answer = await ask({ ...door, groupId, headers, body: await request.text() });
      return new Response(answer.body, {
        status: answer.statusCode ?? 0,
        headers: Object.entries(answer.headers ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
      });
    },
  });
}

it('the types are made from the document as it is', () => {
  const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  const digest = createHash('sha256').update(read('openapi.yaml')).digest('hex');
  expect(read('openapi.d.ts'), 'Run npm run types:api.').toContain(`sha256 ${digest}`);
});

it('a client with the types joins users, now and later', async () => {
  const client = clientOf({ caller: service, enqueue: async () => undefined });
  const path = { groupId: 'a group' };
  const now = await client.POST('/groups/{groupId}/members', { params: { path }, body: { userIds: ['a', 'b'] } });
  const joined: string[] | undefined = now.data && 'joined' in now.data ? now.data.joined : undefined;
  expect([now.response.status, now.data?.groupId, joined]).toEqual([200, 'a group', ['a', 'b']]);
  const header = { Prefer: 'respond-async' };
  const later = await client.POST('/groups/{groupId}/members', { params: { path, header }, body: { userIds: ['c'] } });
  expect(later.data).toMatchObject({ queued: ['c'] });
});

it('a client with the types reads a problem by its code', async () => {
  const client = clientOf({});
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
