import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { getSecretValue } from '../sandbox/aws/secrets-manager.ts';
import { startAws } from '../sandbox/aws/server.ts';
import { listen, readBody, sendJson } from '../sandbox/http/server.ts';
import { MEMBER, memberGroup } from './helpers/claims.ts';
import type { HeapCalls, HeapReport } from './helpers/heap-process.ts';
import { AUDIENCE, goodClaims, ISSUER, keySet, type TestKey, testKey } from './helpers/tokens.ts';

// What 45 000 warm calls leave in the heap of one environment of the built HTTP door. Keeping no more than each call's
// request id would take 3 MB.
const BATCH = 1000;
const EARLY_BATCHES = 5;
const ALL_BATCHES = 50;
const TOLERANCE_BYTES = 1_000_000;

const PROCESS = fileURLToPath(new URL('./helpers/heap-process.ts', import.meta.url));
const BUNDLE = new URL('../dist/http.mjs', import.meta.url).href;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An environment that has just started, and the key of its issuer. */
async function start(): Promise<{ child: ChildProcess; key: TestKey }> {
  const key = await testKey('k1', 'EdDSA');
  const issuer = await listen(0, (_request, response) => response.end(keySet(key)));
  const im = await listen(0, async (request, response) => {
    await readBody(request);
    sendJson(response, 200, { code: 200 });
  });
  const secret = JSON.stringify({ appKey: 'key', appSecret: 's3cret' });
  const aws = await startAws(0, {
    'secretsmanager.GetSecretValue': getSecretValue(new Map([['rongcloud/app', secret]])),
  });
  const env = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    RONGCLOUD_SECRET_ID: 'rongcloud/app',
    RONGCLOUD_API_URLS: im.url,
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_GROUPS_CLAIM: 'groups',
    JWKS_URI: issuer.url,
    POWERTOOLS_METRICS_NAMESPACE: 'Test',
  };
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  const child = fork(PROCESS, [BUNDLE], { env, execArgv: ['--expose-gc'], stdio: [...stdio] });
  closing.push(issuer.close, im.close, aws.close, () => child.disconnect());
  await once(child, 'message');
  return { child, key };
}

/** The heap in bytes after 5 000 calls and after 50 000. */
async function heapAfter(child: ChildProcess, token: (call: number) => Promise<string>) {
  const heaps: number[] = [];
  for (let batch = 1; batch <= ALL_BATCHES; batch++) {
    const tokens = await Promise.all(Array.from({ length: BATCH }, (_, i) => token(batch * BATCH + i)));
    const calls: HeapCalls = { groupId: memberGroup('g'), tokens };
    child.send(calls);
    const [report]: HeapReport[] = await once(child, 'message');
    expect(report?.statuses).toEqual([200]);
    heaps.push(report?.heapBytes ?? Number.NaN);
  }
  return { early: heaps[EARLY_BATCHES - 1] ?? Number.NaN, late: heaps.at(-1) };
}

it('leaves the heap as it is over 45 000 calls with one token', { timeout: 180_000 }, async () => {
  const { child, key } = await start();
  const token = await key.sign({ ...goodClaims(Math.floor(Date.now() / 1000)), ...MEMBER });
  const { early, late } = await heapAfter(child, async () => token);
  expect(late).toBeLessThan(early + TOLERANCE_BYTES);
});

it('leaves the heap as it is over 45 000 calls with a new token and another user each', {
  timeout: 180_000,
}, async () => {
  const { child, key } = await start();
  const claims = { ...goodClaims(Math.floor(Date.now() / 1000)), ...MEMBER };
  const { early, late } = await heapAfter(child, (call) => key.sign({ ...claims, sub: `user-${call}` }));
  expect(late).toBeLessThan(early + TOLERANCE_BYTES);
});
