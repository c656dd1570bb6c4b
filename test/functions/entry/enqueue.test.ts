import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltDoor, startBuiltDoor } from '../../helpers/built-door.ts';
import { MEMBER, memberGroup, SERVICE } from '../../helpers/claims.ts';
import { answers, type FaultyServer, startFaultyServer } from '../../helpers/faulty-server.ts';
import { type LocalSqs, startLocalSqs } from '../../helpers/local-sqs.ts';
import { AUDIENCE, goodClaims, keySet, type TestKey, testKey } from '../../helpers/tokens.ts';

let sqs: LocalSqs;
let issuer: FaultyServer;
let key: TestKey;
let door: BuiltDoor;
beforeAll(async () => {
  sqs = await startLocalSqs();
  key = await testKey('k1');
  issuer = await startFaultyServer(answers(200, keySet(key)));
  door = await startBuiltDoor('http', {
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
  });
});
afterAll(async () => {
  await door?.close();
  await Promise.all([issuer.close(), sqs.close()]);
});

async function post(claims: object, body?: object) {
  const token = await key.sign({ ...goodClaims(Math.floor(Date.now() / 1000)), ...claims });
  const { result } = await door.invoke({
    headers: { authorization: `Bearer ${token}`, prefer: 'respond-async' },
    pathParameters: { groupId: memberGroup('g') },
    ...(body && { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  });
  return { status: result?.statusCode, json: JSON.parse(result?.body ?? '') };
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
