import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Credentials, secretsManagerReader } from '../../lib/aws/app-credentials.ts';
import { Clock, type Sleep } from '../../lib/clock.ts';
import type { JoinConfig } from '../../lib/config.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import { createTransport } from '../../lib/rongcloud/transport.ts';
import type { Telemetry } from '../../lib/telemetry/telemetry.ts';

/** Initialisation waits this long for what the first request needs. */
const WARM_UP_MS = 2000;

export const clock = new Clock();

/** The longest wait of Node's timers, 24 days: what is longer ends at once. Emulators of Lambda may have more time left. */
const MAX_SLEEP_MS = 2 ** 31 - 1;

export const sleep: Sleep = (ms, options) => wait(Math.min(ms, MAX_SLEEP_MS), undefined, options);

/** Starts a client, and fetches what its first call needs. */
export async function startClient(
  config: JoinConfig,
  { observe }: Telemetry,
  ...warmUps: (() => Promise<unknown>)[]
): Promise<RongCloudClient> {
  const credentials = new Credentials({ read: secretsManagerReader(config.secretId), clock, sleep, observe });
  const client = new RongCloudClient({
    urls: config.apiUrls,
    transport: createTransport({ clock }),
    credentials,
    clock,
    random: Math.random,
    randomUUID,
    sleep,
    observe,
  });
  await warmUp(async () => credentials.get(), ...warmUps);
  return client;
}

/**
 * Fetches side by side what the first request needs. Awaited, since a socket left open when Lambda freezes the
 * environment dies; a failure is left for the first request to meet and report.
 */
async function warmUp(...fetches: (() => Promise<unknown>)[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, WARM_UP_MS);
  });
  await Promise.race([Promise.allSettled(fetches.map((fetch) => fetch())), limit]);
  clearTimeout(timer);
}
