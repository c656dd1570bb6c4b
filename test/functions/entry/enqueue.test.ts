import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltDoor, startBuiltDoor } from '../../helpers/built-door.ts';
import { MEMBER, memberGroup, SERVICE } from '../../helpers/claims.ts';
import { answers, type FaultyServer, startFaultyServer } from '../../helpers/faulty-server.ts';
import { httpEvent } from '../../helpers/http-event.ts';
import { type LocalSqs, startLocalSqs } from '../../helpers/local-sqs.ts';
import { AUDIENCE, goodClaims, keySet, type TestKey, testKey } from '../../helpers/tokens.ts';

let sqs: LocalSqs;
let issuer: FaultyServer;
let key: TestKey;
let door: BuiltDoor;
let env: Record<string, string>;
beforeAll(async () => {
  sqs = await startLocalSqs();
  key = await testKey('k1');
  issuer = await startFaultyServer(answers(200, keySet(key)));
  env = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Knows no secret: nothing here comes to a call.
    AWS_ENDPOINT_URL_SECRETS_MANAGER: sqs.aws.url,
    AWS_ENDPOINT_URL_SQS: sqs.aws.url,
    RONGCLOUD_SECRET_ID: 'rongcloud/app',
    RONGCLOUD_API_URLS: 'http://127.0.0.1:9',
    JWT_ISSUER: 'https://issuer.example',
    JWT_AUDIENCE: AUDIENCE,
    JWKS_URI: issuer.url,
    JWT_GROUPS_CLAIM: 'groups',
    JOIN_QUEUE_URL: sqs.QueueUrl,
  };
  door = await startBuiltDoor('http', env);
});
afterAll(async () => {
  await door?.close();
  await Promise.all([issuer.close(), sqs.close()]);
});

async function post(claims: object, body?: object, to = door) {
  const token = await key.sign({ ...goodClaims(Math.floor(Date.now() / 1000)), ...claims });
  const event = httpEvent({
    headers: { authorization: `Bearer ${token}`, prefer: 'respond-async' },
    pathParameters: { groupId: memberGroup('g') },
    ...(body && { body: JSON.stringify(body) }),
  });
  const { result, logs } = await to.invoke(event);
  return { status: result?.statusCode, json: JSON.parse(result?.body ?? ''), logs };
}
const received = () => sqs.queue.receive(10);

describe('the built HTTP door and the queue', () => {
  it("marks a service's message with a hash of its client, and a user's with nothing", async () => {
    const body = { userIds: ['u1'] };
    expect((await post({ ...SERVICE, client_id: 'planted-client' }, body)).status).toBe(202);
    expect((await post({ ...MEMBER, client_id: 'planted-client' })).status).toBe(202);
    const [ofService, ofUser] = received();
    expect(ofService?.groupId).toMatch(/^[\da-f]{32}$/);
    expect(ofUser).toMatchObject({ body: expect.stringContaining(MEMBER.sub), groupId: undefined });
    expect(JSON.stringify(ofService)).not.toContain('planted-client');
  });

  it('refuses a request whose message would be over 1 MiB with its escapes, and says why', async () => {
    const userIds = (length: number) => Array.from({ length }, (_, i) => `${i}`.padEnd(64, '\ufffe'));
    const { status, json } = await post(SERVICE, { userIds: userIds(3000) });
    expect(status).toBe(400);
    expect(json).toMatchObject({
      code: 'INVALID_REQUEST',
      outcome: 'not_sent',
      retryable: false,
      errors: [{ pointer: '/userIds', detail: expect.stringContaining('1 MiB') }],
    });
    expect(received()).toEqual([]);
    expect((await post(SERVICE, { userIds: userIds(2500) })).status).toBe(202);
    expect(received()).toHaveLength(1);
  });
});

describe('the built HTTP door whose files can not all be read', () => {
  let dist: string;
  beforeAll(async () => {
    dist = await mkdtemp(join(tmpdir(), 'dist-'));
    await cp(new URL('../../../dist/', import.meta.url), dist, { recursive: true });
  });
  afterAll(() => rm(dist, { recursive: true }));

  /** What a file of the bundle requires by this pattern, and all that those need, each before what it needs itself. */
  async function needed(file: string, pattern = /=require\("\.\/([^"]+)"\)/g, known = new Set<string>()) {
    for (const [, next = ''] of (await readFile(join(dist, file), 'utf8')).matchAll(pattern)) {
      if (known.has(next)) continue;
      known.add(next);
      await needed(next, undefined, known);
    }
    return known;
  }

  it('answers QUEUE_UNAVAILABLE until the queue can be loaded, and then queues', async () => {
    const atStart = await needed('http.cjs');
    const later = await needed('http.cjs', /\(require\("\.\/([^"]+)"\)/g, new Set(atStart));
    const missing = [...later].filter((name) => !atStart.has(name));
    // Two that the door asks for, and what these need in turn.
    expect(missing.length).toBeGreaterThan(2);
    const broken = await startBuiltDoor('http', env, pathToFileURL(`${dist}/`));
    for (const name of missing) await rename(join(dist, name), join(dist, `${name}-away`));
    for (const name of missing) {
      const { status, json, logs } = await post(MEMBER, undefined, broken);
      expect(status).toBe(503);
      expect(json).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not_sent', retryable: true });
      expect(logs).toMatchObject([
        { code: 'QUEUE_UNAVAILABLE', cause: expect.stringContaining(`Cannot find module './${name}'`) },
      ]);
      await rename(join(dist, `${name}-away`), join(dist, name));
    }
    expect((await post(MEMBER, undefined, broken)).status).toBe(202);
    expect(received()).toHaveLength(1);
    await broken.close();
  });
});
