import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { httpEvent } from './helpers/http-event.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RUNTIME = `${ROOT}node_modules/aws-lambda-ric/index.mjs`;
// How Lambda starts Node.
const FLAGS = ['--no-experimental-require-module', '--no-experimental-detect-module'];
const ADDON = ['--require', `${ROOT}test/helpers/runtime-addon.cjs`];
const ENVIRONMENT = {
  AWS_LAMBDA_FUNCTION_NAME: 'test',
  AWS_LAMBDA_FUNCTION_VERSION: '1',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
  AWS_LAMBDA_LOG_GROUP_NAME: 'test',
  AWS_LAMBDA_LOG_STREAM_NAME: 'test',
  AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: 'true',
  LAMBDA_TASK_ROOT: ROOT,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  // Nobody listens there, so that what is fetched at init fails at once.
  AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:9',
  AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:9',
  RONGCLOUD_SECRET_ID: 'rongcloud/app',
  RONGCLOUD_API_URLS: 'http://127.0.0.1:9',
  JWT_ISSUER: 'http://127.0.0.1:9',
  JWT_AUDIENCE: 'api',
  UPSTREAM_RATE: '24',
  JOIN_QUEUE_URL: 'http://127.0.0.1:9/1/joins',
  JOIN_DLQ_URL: 'http://127.0.0.1:9/1/dead',
};

const TRACE_ID = '1-5759e988-bd862e3fe1be46a994272793';

interface Outcome {
  /** The Runtime API's. */
  path: string;
  body: unknown;
  printed: string;
}

/** What Lambda's own runtime client makes of one event, or of a start that fails. */
async function inLambda(handler: string, event: object, env = {}): Promise<Outcome> {
  let answered: (answer: { path: string; body: unknown }) => void = () => undefined;
  const answer = new Promise<{ path: string; body: unknown }>((resolve) => {
    answered = resolve;
  });
  let given = false;
  const server = http.createServer(async (request, response) => {
    if (request.method === 'GET') {
      if (given) return;
      given = true;
      response.setHeader('Lambda-Runtime-Aws-Request-Id', 'aws-1');
      response.setHeader('Lambda-Runtime-Trace-Id', `Root=${TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=1`);
      response.setHeader('Lambda-Runtime-Deadline-Ms', String(Date.now() + 15_000));
      response.setHeader('Lambda-Runtime-Invoked-Function-Arn', 'arn:aws:lambda:us-east-1:000000000000:function:test');
      response.end(JSON.stringify(event));
      return;
    }
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString('utf8'));
    response.writeHead(202).end();
    answered({ path: request.url?.replace('/2018-06-01/runtime/', '') ?? '', body });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, [...FLAGS, ...ADDON, RUNTIME], {
    env: { ...ENVIRONMENT, ...env, _HANDLER: handler, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => printed.push(chunk));
  const exited = once(child, 'close');
  const ended = exited.then(([code]) => ({ path: `exit ${code}`, body: undefined }));
  const result = await Promise.race([answer, ended]);
  child.kill();
  await exited;
  server.closeAllConnections();
  server.close();
  return { ...result, printed: Buffer.concat(printed).toString('utf8') };
}

it("loads the HTTP door with Lambda's runtime client, and answers", async () => {
  const { path, body, printed } = await inLambda('dist/http.handler', httpEvent());
  // The runtime client sets it for each invocation.
  expect(printed).toContain(`"xray_trace_id":"${TRACE_ID}"`);
  expect(path).toBe('invocation/aws-1/response');
  expect(body).toMatchObject({ statusCode: 401, headers: { 'X-Request-ID': 'aws-1' } });
});

it('hands a failure of the Invoke door to Lambda as an error with its code and no stack', async () => {
  const { path, body } = await inLambda('dist/invoke.handler', { groupId: 'g', userIds: ['a'] });
  expect(path).toBe('invocation/aws-1/error');
  expect(body).toMatchObject({ errorType: 'CREDENTIALS_UNAVAILABLE', trace: [''] });
});

it('loads the queue door, which keeps a message that it could not settle', async () => {
  const attributes = { SentTimestamp: '0', ApproximateReceiveCount: '9' };
  const record = { messageId: 'm1', body: JSON.stringify({ groupId: 'g', userIds: ['a'] }), attributes };
  const { path, body } = await inLambda('dist/queue.handler', { Records: [record] });
  expect(path).toBe('invocation/aws-1/response');
  expect(body).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
});

it('tells Lambda what is wrong with the configuration while it starts', async () => {
  const { path, body } = await inLambda('dist/http.handler', {}, { JWT_ISSUER: '' });
  expect(path).toBe('init/error');
  expect(body).toMatchObject({
    errorType: 'ConfigError',
    errorMessage: expect.stringContaining('JWT_ISSUER is missing'),
  });
});
