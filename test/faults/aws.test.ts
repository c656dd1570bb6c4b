import type net from 'node:net';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { secretsManagerReader } from '../../lib/aws/app-credentials.ts';
import { createEventBridgeClient } from '../../lib/aws/event-bus.ts';
import { createSend, createSqsClient } from '../../lib/aws/sqs.ts';
import { createAnnounce } from '../../lib/queue/events.ts';
import { createEnqueue } from '../../lib/queue/message.ts';
import { describeCause } from '../../lib/telemetry/error-description.ts';
import {
  answers,
  type Behavior,
  type FaultyServer,
  inTurn,
  response,
  startFaultyServer,
  writes,
} from '../helpers/faulty-server.ts';

// Secrets Manager, SQS and EventBridge at fault: what the log gets of it, and how much of an answer is read.
let server: FaultyServer | undefined;
afterEach(() => server?.close());

/** Each service, asked once; gives what the log says of the failure, or undefined. */
const SERVICES: [name: string, ask: () => Promise<string | undefined>][] = [
  [
    'Secrets Manager',
    () =>
      secretsManagerReader('rongcloud/app')().then(
        () => undefined,
        (error) => describeCause(error),
      ),
  ],
  [
    'SQS',
    async () => {
      const enqueue = createEnqueue(
        createSend(createSqsClient(), `${process.env.AWS_ENDPOINT_URL_SQS}/000000000000/joins`),
      );
      const error = await enqueue({ groupId: 'g', userIds: ['planted-user'] }, 'r1');
      return error && describeCause(error.cause);
    },
  ],
  [
    'EventBridge',
    async () => {
      const announce = createAnnounce({ client: createEventBridgeClient(), bus: 'results', source: 'test' });
      const lost = await announce([{ groupId: 'g', results: [] }]);
      return lost && describeCause(lost.cause);
    },
  ],
];

async function serve(behavior: Behavior): Promise<void> {
  server = await startFaultyServer(behavior);
  at(server.url);
}

function at(url: string): void {
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', url);
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', url);
  vi.stubEnv('AWS_ENDPOINT_URL_EVENTBRIDGE', url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
}

const headers = { 'Content-Type': 'application/x-amz-json-1.1', 'x-amzn-RequestId': '0f1e-2d' };

describe.each(SERVICES)('of a failure of %s the log gets', (_name, ask) => {
  it('name, status and request id, and not the message', async () => {
    const refusal = JSON.stringify({ __type: 'com.amazonaws#AccessDeniedException', message: 'planted: arn:aws:iam' });
    await serve(answers(400, refusal, headers));
    expect(await ask()).toBe('AccessDeniedException: status 400, request 0f1e-2d');
  });

  it('nothing of an answer that is no JSON', async () => {
    for (const text of ['{"SecretString":"{\\"appSecret\\":\\"planted', 'planted', '{"SecretString":planted}']) {
      await serve(answers(200, text, headers));
      const said = await ask();
      expect(said).toMatch(/^SyntaxError: /);
      expect(said).not.toContain('planted');
      await server?.close();
    }
  });

  it.each([
    ['an error type that is none', '{"__type":"planted secret","message":"planted"}', {}],
    ['an error type that only looks like one', '{"__type":"com.amazonaws#planted"}', {}],
    ["a code that only looks like one of Node's", '{"code":"PLANTED","Code":"planted"}', {}],
    ['an older name of an error', '{"__type":"Other"}', { 'x-amzn-query-error': 'planted;Sender' }],
    ['a request id that is none', '{"__type":"Other"}', { 'x-amzn-RequestId': 'planted' }],
  ])('nothing of %s', async (_what, body, more) => {
    await serve(answers(400, body, { ...headers, ...more }));
    expect(await ask()).toMatch(/^Error: status 400(, request 0f1e-2d)?$/);
  });

  it("Node's code where no connection stood", async () => {
    await serve({});
    await server?.close();
    expect(await ask()).toContain('ECONNREFUSED');
  });
});

it.each([
  ['SQS', 'messages', (code: string) => ({ Failed: [{ Id: '0', Code: code, SenderFault: false }] })],
  ['EventBridge', 'events', (code: string) => ({ FailedEntryCount: 1, Entries: [{ ErrorCode: code }] })],
])("repeats a code for an entry only if it is AWS's: %s", async (name, what, refusing) => {
  const ask = SERVICES.find(([service]) => service === name)?.[1];
  const said = async (code: string) => {
    await serve(answers(200, JSON.stringify(refusing(code)), headers));
    const cause = await ask?.();
    await server?.close();
    return cause;
  };
  expect(await said('ThrottlingException')).toBe(`Error: ${name} refused 1 ${what}: ThrottlingException`);
  for (const code of ['planted-user', 'planted', 'Planted', 'PlantedException', '{"userIds":["planted-user"]}', '']) {
    expect(await said(code)).toBe(`Error: ${name} refused 1 ${what}: another code`);
  }
});

const refusal = (status: number, type: string) => answers(status, JSON.stringify({ __type: type }), headers);

// A message that may have been taken is not split once more for an hour.
it.each<[string, 'refused' | 'unanswered', Behavior]>([
  ['says no', 'refused', refusal(400, 'AccessDeniedException')],
  [
    'says no at the second attempt',
    'unanswered',
    inTurn(refusal(500, 'InternalError'), refusal(400, 'AccessDeniedException')),
  ],
  ['fails', 'unanswered', refusal(500, 'InternalError')],
])('says of a message to an SQS that %s: %s', async (_what, end, behavior) => {
  await serve(behavior);
  const send = createSend(createSqsClient(), `${process.env.AWS_ENDPOINT_URL_SQS}/000000000000/joins`);
  expect(await send([{ body: 'planted' }])).toMatchObject({ ends: [end], error: { code: 'QUEUE_UNAVAILABLE' } });
});

it.each(SERVICES)('takes no answer of %s whose certificate nobody vouches for', async (_name, ask) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], { algorithm: 'sha256' });
  server = await startFaultyServer(answers(200, '{}', headers), { key, cert });
  at(server.url);
  expect(await ask()).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
  expect(server.seen).toEqual([]);
});

const CHUNK = Buffer.alloc(64 * 1024, 'x');
const MOST = 200_000_000;

/** Answers without end, as fast as it is read. */
function endless(status: number, sent: { bytes: number }): Behavior {
  const head = response(status, '{"x":"', { 'Content-Type': 'application/x-amz-json-1.1' });
  const pour = (socket: net.Socket): void => {
    if (socket.destroyed || sent.bytes >= MOST) return;
    sent.bytes += CHUNK.length;
    socket.write(CHUNK, () => pour(socket));
  };
  return writes(head, pour);
}

describe.each(SERVICES)('an answer of %s without end', (_name, ask) => {
  it.each([200, 400])('is cut off, under status %i', async (status) => {
    const sent = { bytes: 0 };
    await serve(endless(status, sent));
    expect(await ask()).toMatch(/^AnswerTooLarge: /);
    // A megabyte is read; the rest is in the sockets' buffers.
    expect(sent.bytes).toBeLessThan(30_000_000);
  });
});
