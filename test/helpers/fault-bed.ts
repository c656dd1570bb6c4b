import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { HttpDeps } from '../../functions/http.ts';
import { Credentials, type SecretReader } from '../../lib/aws/app-credentials.ts';
import { Clock, type Sleep } from '../../lib/clock.ts';
import type { JoinError } from '../../lib/errors.ts';
import { createAuthenticator } from '../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../lib/identity/issuer-keys.ts';
import { httpKeySetFetcher } from '../../lib/identity/key-set-fetcher.ts';
import type { Enqueue } from '../../lib/join/join-or-queue.ts';
import { createJoinUsers } from '../../lib/join/join-users.ts';
import { RongCloudClient } from '../../lib/rongcloud/client.ts';
import { createTransport } from '../../lib/rongcloud/transport.ts';
import type { RequestFields } from '../../lib/telemetry/fields.ts';
import { createHttpHandler } from './described-doors.ts';
import { answers, type FaultyServer, joins, startFaultyServer } from './faulty-server.ts';
import { httpEvent } from './http-event.ts';
import { goodClaims, keySet, RULES, type TestKey, testKey } from './tokens.ts';

export const SECRET = '{"appKey":"key","appSecret":"s3cret"}';

export interface BedOptions {
  /** Another primary or backup than the plain ones of the bed. */
  primaryUrl?: string;
  backupUrl?: string;
  readSecret?: SecretReader;
  answerTimeoutMs?: number;
  /** Everybody may join everything unless told otherwise. */
  decide?: HttpDeps['decide'];
  /** Where `Prefer: respond-async` may put requests. */
  enqueue?: Enqueue;
}

/** An answer of the HTTP door. */
export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
  code?: string;
  outcome?: string;
}

export interface PostOptions {
  authorization?: string | undefined;
  headers?: Record<string, string>;
  body?: string;
  query?: string;
  remainingMs?: number;
}

/**
 * The HTTP door over real sockets, with everything it talks to on this machine and at fault if told so. Only the
 * clock, chance and waiting are stand-ins: time passes as it does, and faster when `pass` or a wait says so.
 */
export interface FaultBed {
  primary: FaultyServer;
  backup: FaultyServer;
  issuer: FaultyServer;
  key: TestKey;
  /** Waits that were asked for, in milliseconds. */
  slept: number[];
  logged: { fields: RequestFields; error: JoinError | undefined }[];
  now(): number;
  pass(ms: number): void;
  token(): Promise<string>;
  /** The claims of a good token now. */
  claims(): ReturnType<typeof goodClaims>;
  /** Makes the joins that earn so many retries. Both domains have to work. */
  earnRetries(count: number): Promise<void>;
  post(options?: PostOptions): Promise<Answer>;
  close(): Promise<void>;
}

export async function startFaultBed(options: BedOptions = {}): Promise<FaultBed> {
  const key = await testKey('k1');
  const primary = await startFaultyServer(joins);
  const backup = await startFaultyServer(joins);
  const issuer = await startFaultyServer(answers(200, keySet(key)));
  let skewMs = 0;
  const now = (): number => Date.now() + skewMs;
  const clock = new Clock(now, () => performance.now() + skewMs);
  const slept: number[] = [];
  const sleep: Sleep = async (ms, waiting) => {
    // A wait that may be cut short is a time limit.
    if (waiting) return setTimeout(ms, undefined, waiting);
    if (ms > 0) slept.push(ms);
    skewMs += ms;
    return undefined;
  };
  const logged: FaultBed['logged'] = [];
  const transport = createTransport({ connectTimeoutMs: 500, clock });
  const client = new RongCloudClient({
    urls: [options.primaryUrl ?? primary.url, options.backupUrl ?? backup.url],
    transport,
    credentials: new Credentials({ read: options.readSecret ?? (async () => SECRET), clock, sleep }),
    clock,
    random: Math.random,
    randomUUID,
    sleep,
    answerTimeoutMs: options.answerTimeoutMs ?? 300,
  });
  const keys = createIssuerKeys(httpKeySetFetcher(new URL(issuer.url), 1000), clock);
  const handler = createHttpHandler({
    authenticate: createAuthenticator({ rules: RULES, keys, clock }),
    decide: options.decide ?? (() => ({ allowed: true })),
    sleep,
    joinUsers: createJoinUsers(client, sleep),
    isRateLimited: () => client.isRateLimited,
    random: Math.random,
    enqueue: options.enqueue,
    telemetry: {
      sending: () => {},
      request: (fields, error) => logged.push({ fields, error }),
    },
    clock,
  });
  const claims = () => goodClaims(Math.floor(now() / 1000));
  const token = () => key.sign(claims());
  const bed: FaultBed = {
    primary,
    backup,
    issuer,
    key,
    slept,
    logged,
    now,
    pass(ms) {
      skewMs += ms;
    },
    token,
    claims,
    async earnRetries(count) {
      for (let i = 0; i < 10 * count; i++) await bed.post();
    },
    async post({ headers = {}, body, query = '', remainingMs = 15_000, ...given } = {}) {
      const authorization = 'authorization' in given ? given.authorization : `Bearer ${await token()}`;
      const event = httpEvent({
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
        rawQueryString: query,
        ...(body !== undefined && { body }),
        isBase64Encoded: false,
      });
      const invocation = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => remainingMs };
      const result = await handler(event, invocation);
      const text = result.body ?? '';
      const { code, outcome } = JSON.parse(text);
      return { status: result.statusCode ?? 0, headers: result.headers ?? {}, text, code, outcome };
    },
    async close() {
      transport.close();
      await Promise.all([primary.close(), backup.close(), issuer.close()]);
    },
  };
  return bed;
}

/** An answer as docs/reliability.md writes it: `200`, or status, code and outcome. */
export function inWords({ status, code, outcome }: Answer): string {
  return code === undefined ? String(status) : `${status} ${code}, ${outcome}`;
}
