import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Authenticate, createAuthenticator } from './caller.ts';
import { type JoinConfig, readHttpConfig, readJoinConfig } from './config.ts';
import { createCredentials, secretsManagerReader } from './credentials.ts';
import { createIssuerKeys, httpKeySetFetcher } from './issuer-keys.ts';
import { createJoinGroup } from './join-group.ts';
import { createClient } from './rongcloud/client.ts';
import { createTransport } from './rongcloud/transport.ts';
import type { ServeDeps } from './served-join.ts';
import { createRequestLog } from './telemetry.ts';

/** What the HTTP door runs on. */
export interface HttpRuntime extends ServeDeps {
  authenticate: Authenticate;
}

/** Initialisation gets this long for what the first request would otherwise wait for. */
const WARM_UP_MS = 2000;

/** Reads the environment and starts the HTTP door. Throws a ConfigError. */
export async function startHttp(): Promise<HttpRuntime> {
  const config = readHttpConfig(process.env);
  const keys = createIssuerKeys(httpKeySetFetcher(config.jwksUrl), Date.now);
  const authenticate = createAuthenticator({ rules: config.tokens, keys, now: Date.now });
  return { ...(await start(config, () => keys.warmUp())), authenticate };
}

/** Reads the environment and starts a door without tokens. Throws a ConfigError. */
export async function startInvoke(): Promise<ServeDeps> {
  return start(readJoinConfig(process.env));
}

async function start(config: JoinConfig, ...warmUps: (() => Promise<unknown>)[]): Promise<ServeDeps> {
  const credentials = createCredentials(secretsManagerReader(config.secretId), Date.now);
  const client = createClient({
    urls: config.apiUrls,
    transport: createTransport({ now: Date.now }),
    credentials,
    now: Date.now,
    random: Math.random,
    randomBytes,
    sleep,
  });
  await warmUp(() => credentials.get(), ...warmUps);
  return { joinGroup: createJoinGroup(client), log: createRequestLog(), now: Date.now };
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
