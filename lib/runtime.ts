import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Authenticate, createAuthenticator } from './caller.ts';
import { type JoinConfig, readHttpConfig, readJoinConfig, readQueueConfig } from './config.ts';
import { createCredentials, secretsManagerReader } from './credentials.ts';
import { createIssuerKeys, httpKeySetFetcher } from './issuer-keys.ts';
import { createJoinGroup } from './join-group.ts';
import type { JoinBatch } from './queue/join-batch.ts';
import type { Enqueue } from './queue/join-queue.ts';
import { createPacer } from './queue/pacer.ts';
import { type ClientOptions, createClient, type RongCloudClient } from './rongcloud/client.ts';
import { createTransport } from './rongcloud/transport.ts';
import type { ServeDeps } from './served-join.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';

/** What the HTTP door runs on. */
export interface HttpRuntime extends ServeDeps {
  authenticate: Authenticate;
  enqueue?: Enqueue;
}

/** What the queue door runs on. */
export interface QueueRuntime {
  joinBatch: JoinBatch;
  telemetry: Telemetry;
  now: () => number;
}

/** Initialisation gets this long for what the first request would otherwise wait for. */
const WARM_UP_MS = 2000;

/** Reads the environment and starts the HTTP door. Throws a ConfigError. */
export async function startHttp(): Promise<HttpRuntime> {
  const config = readHttpConfig(process.env);
  const telemetry = createTelemetry('http');
  const keys = createIssuerKeys(httpKeySetFetcher(config.jwksUrl), Date.now, telemetry.observe);
  const authenticate = createAuthenticator({ rules: config.tokens, keys, now: Date.now });
  const client = await startClient(config, telemetry, {}, () => keys.warmUp());
  const { joinQueueUrl } = config;
  return {
    joinGroup: createJoinGroup(client),
    telemetry,
    now: Date.now,
    authenticate,
    ...(joinQueueUrl !== undefined && { enqueue: lazyEnqueue(joinQueueUrl) }),
  };
}

/** Reads the environment and starts the Invoke door. Throws a ConfigError. */
export async function startInvoke(): Promise<ServeDeps> {
  const config = readJoinConfig(process.env);
  const telemetry = createTelemetry('invoke');
  const client = await startClient(config, telemetry);
  return { joinGroup: createJoinGroup(client), telemetry, now: Date.now };
}

/** Reads the environment and starts the queue door: one attempt a call, since SQS is its retry. Throws a ConfigError. */
export async function startQueue(): Promise<QueueRuntime> {
  const config = readQueueConfig(process.env);
  const [{ createSqsClient }, { createDeadLetterQueue }, { createJoinBatch }] = await Promise.all([
    import('./queue/sqs.ts'),
    import('./queue/dead-letter-queue.ts'),
    import('./queue/join-batch.ts'),
  ]);
  const telemetry = createTelemetry('queue');
  const client = await startClient(config, telemetry, { maxAttempts: 1 });
  const joinBatch = createJoinBatch({
    client,
    pacer: createPacer({ ratePerSecond: config.upstreamRate, now: Date.now, sleep }),
    deadLetters: createDeadLetterQueue(createSqsClient(), config.deadLetterQueueUrl),
  });
  return { joinBatch, telemetry, now: Date.now };
}

/** A sender whose client is loaded at the first use: most requests never need it. */
function lazyEnqueue(queueUrl: string): Enqueue {
  let loaded: Promise<Enqueue> | undefined;
  const load = async (): Promise<Enqueue> => {
    const [{ createSqsClient }, { createEnqueue }] = await Promise.all([
      import('./queue/sqs.ts'),
      import('./queue/join-queue.ts'),
    ]);
    return createEnqueue(createSqsClient(), queueUrl);
  };
  return async (request, requestId) => {
    loaded ??= load();
    const enqueue = await loaded;
    await enqueue(request, requestId);
  };
}

async function startClient(
  config: JoinConfig,
  { observe }: Telemetry,
  options: Pick<ClientOptions, 'maxAttempts'> = {},
  ...warmUps: (() => Promise<unknown>)[]
): Promise<RongCloudClient> {
  const credentials = createCredentials(secretsManagerReader(config.secretId), Date.now, observe);
  const client = createClient({
    urls: config.apiUrls,
    transport: createTransport({ now: Date.now }),
    credentials,
    now: Date.now,
    random: Math.random,
    randomBytes,
    sleep,
    observe,
    ...options,
  });
  await warmUp(() => credentials.get(), ...warmUps);
  return client;
}

/**
 * Fetches side by side what the first request needs. Awaited, since a socket left open when Lambda freezes the
 * environment dies; a failure is left for the first request to meet and report.
 */
async function warmUp(...fetches: (() => Promise<unknown>)[]): Promise<void> {
  const enough = new AbortController();
  const limit = sleep(WARM_UP_MS, undefined, { signal: enough.signal }).catch(() => undefined);
  await Promise.race([Promise.allSettled(fetches.map((fetch) => fetch())), limit]);
  enough.abort();
}
