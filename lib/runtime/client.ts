import { setTimeout as sleep } from 'node:timers/promises';
import type { JoinConfig } from '../config.ts';
import { createCredentials, secretsManagerReader } from '../credentials.ts';
import { createRandomPool } from '../random-pool.ts';
import { type ClientOptions, createClient, type RongCloudClient } from '../rongcloud/client.ts';
import { createTransport } from '../rongcloud/transport.ts';
import type { Telemetry } from '../telemetry.ts';

/** Initialisation gets this long for what the first request would otherwise wait for. */
const WARM_UP_MS = 2000;

/** Starts a client, and fetches what its first call needs. */
export async function startClient(
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
    randomBytes: createRandomPool(),
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
