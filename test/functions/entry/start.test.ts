import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { expectDescribedResult } from '../../helpers/described-doors.ts';
import {
  answers,
  type Behavior,
  type FaultyServer,
  inTurn,
  joins,
  neverAnswers,
  response,
  startFaultyServer,
} from '../../helpers/faulty-server.ts';
import { httpEvent } from '../../helpers/http-event.ts';

const startHttp = async () => (await import('../../../functions/entry/http.ts')).start();
const startInvoke = async () => (await import('../../../functions/entry/invoke.ts')).start();

// Each start is a new environment.
beforeEach(() => {
  vi.resetModules();
});

const servers: FaultyServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(...behavior: Parameters<typeof startFaultyServer>): Promise<FaultyServer> {
  const server = await startFaultyServer(...behavior);
  servers.push(server);
  return server;
}

function environment(secretsManager: FaultyServer, issuer: FaultyServer): void {
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secretsManager.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('RONGCLOUD_SECRET_ID', 'rongcloud/app');
  vi.stubEnv('RONGCLOUD_API_URLS', 'http://127.0.0.1:9');
  vi.stubEnv('JWT_ISSUER', issuer.url);
  vi.stubEnv('JWT_AUDIENCE', 'api');
}

it('fetches the secret and the keys while it starts', async () => {
  const secretsManager = await serve(answers(400, '{}'));
  const issuer = await serve(answers(500, ''));
  environment(secretsManager, issuer);
  await startHttp();
  expect(secretsManager.seen.length).toBeGreaterThanOrEqual(1);
  expect(issuer.seen).toHaveLength(1);
  await startInvoke();
  expect(issuer.seen).toHaveLength(1);
});

it('starts although neither answers', async () => {
  const silent = await serve(neverAnswers);
  environment(silent, silent);
  await startHttp();
  expect(silent.seen.length).toBeGreaterThanOrEqual(2);
});

it.each([2 ** 31 + 10_000, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])(
  'waits for the secret with %d ms left, which is more than a timer takes',
  async (remainingMs) => {
    const secret = JSON.stringify({ SecretString: '{"appKey":"key","appSecret":"secret"}' });
    const length = { 'Content-Length': String(secret.length) };
    const slowly: Behavior = {
      onRequest: (socket) => void setTimeout(() => socket.write(response(200, secret, length)), 50),
    };
    environment(await serve(inTurn(answers(400, '{}'), slowly)), await serve(answers(500, '')));
    const rongCloud = await serve(joins);
    vi.stubEnv('RONGCLOUD_API_URLS', rongCloud.url);
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
    const handler = await startInvoke();
    const invocation = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => remainingMs };
    expect(await handler({ groupId: 'g', userIds: ['a'] }, invocation)).toMatchObject({ joined: ['a'] });
  },
);

it('takes only what comes through the front, once it knows the secret of that', async () => {
  const issuer = await serve(answers(200, '{"keys":[]}'));
  environment(await serve(answers(400, '{}')), issuer);
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  vi.stubEnv('ORIGIN_SECRET', 'a-secret-of-the-front');
  const handler = await startHttp();
  const ask = async (headers: Record<string, string>) => {
    const invocation = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 15_000 };
    const answer = await handler(httpEvent({ headers }), invocation);
    expectDescribedResult(answer);
    return answer;
  };
  expect((await ask({})).statusCode).toBe(403);
  expect((await ask({ 'x-origin-verify': 'a-secret-of-the-front' })).statusCode).toBe(401);
});

it('does not start without its configuration', async () => {
  vi.stubEnv('RONGCLOUD_SECRET_ID', '');
  await expect(startInvoke()).rejects.toThrow('RONGCLOUD_SECRET_ID is missing');
});
