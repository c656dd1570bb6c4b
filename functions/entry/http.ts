import { readHttpConfig } from '../../lib/config.ts';
import { JoinError } from '../../lib/errors.ts';
import { createAuthenticator } from '../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../lib/identity/issuer-keys.ts';
import { keySetFetcher } from '../../lib/identity/key-set-fetcher.ts';
import { createOriginCheck } from '../../lib/identity/origin.ts';
import { nameRefused } from '../../lib/identity/refused-caller.ts';
import type { Enqueue } from '../../lib/join/join-or-queue.ts';
import { createJoinUsers } from '../../lib/join/join-users.ts';
import { decide } from '../../lib/policy.ts';
import { DoorTelemetry } from '../../lib/telemetry/telemetry.ts';
import { createHandler } from '../http.ts';
import { clock, sleep, startClient } from './client.ts';

/** Starts the HTTP door: gives its handler once what the first request needs has been fetched. */
export async function start() {
  const config = readHttpConfig(process.env);
  const { joinQueueUrl, originSecrets } = config;
  const telemetry = new DoorTelemetry('http');
  const keys = createIssuerKeys(keySetFetcher(config.keySet), clock, telemetry.observe);
  const client = await startClient(config, telemetry, () => keys.warmUp());
  return createHandler({
    authenticate: nameRefused(createAuthenticator({ rules: config.tokens, keys, clock }), {
      issuer: config.tokens.issuer,
      audiences: config.tokens.audiences,
      now: clock.wall,
    }),
    decide,
    sleep,
    checkOrigin: originSecrets.length > 0 ? createOriginCheck(originSecrets) : undefined,
    joinUsers: createJoinUsers(client, sleep),
    telemetry,
    clock,
    random: Math.random,
    isRateLimited: () => client.isRateLimited,
    enqueue: joinQueueUrl === undefined ? undefined : lazyEnqueue(joinQueueUrl),
  });
}

/** A sender whose SQS client is loaded at the first use: most requests never need it. A load that fails is tried again. */
function lazyEnqueue(queueUrl: string): Enqueue {
  let loaded: Promise<Enqueue> | undefined;
  const load = async (): Promise<Enqueue> => {
    const [{ createSend, createSqsClient }, { createEnqueue }] = await Promise.all([
      import('../../lib/aws/sqs.ts'),
      import('../../lib/queue/message.ts'),
    ]);
    return createEnqueue(createSend(createSqsClient(), queueUrl));
  };
  return async (...message) => {
    loaded ??= load();
    const enqueue = await loaded.catch((cause: unknown) => new JoinError('QUEUE_UNAVAILABLE', { cause }));
    if (enqueue instanceof JoinError) {
      loaded = undefined;
      return enqueue;
    }
    return enqueue(...message);
  };
}
