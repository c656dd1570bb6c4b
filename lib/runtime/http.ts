import { type Authenticate, createAuthenticator } from '../caller.ts';
import { readHttpConfig } from '../config.ts';
import { createIssuerKeys, httpKeySetFetcher } from '../issuer-keys.ts';
import { createJoinGroup } from '../join-group.ts';
import type { Enqueue } from '../queue/join-queue.ts';
import type { ServeDeps } from '../served-join.ts';
import { createTelemetry } from '../telemetry.ts';
import { startClient } from './client.ts';

/** What the HTTP door runs on. */
export interface HttpRuntime extends ServeDeps {
  authenticate: Authenticate;
  enqueue?: Enqueue;
}

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

/** A sender whose client is loaded at the first use: most requests never need it. */
function lazyEnqueue(queueUrl: string): Enqueue {
  let loaded: Promise<Enqueue> | undefined;
  const load = async (): Promise<Enqueue> => {
    const [{ createSqsClient }, { createEnqueue }] = await Promise.all([
      import('../queue/sqs.ts'),
      import('../queue/join-queue.ts'),
    ]);
    return createEnqueue(createSqsClient(), queueUrl);
  };
  return async (request, requestId) => {
    loaded ??= load();
    const enqueue = await loaded;
    await enqueue(request, requestId);
  };
}
