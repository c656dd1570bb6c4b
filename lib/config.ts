import type { TokenRules } from './identity/caller.ts';
import { type ApiUrls, DATA_CENTERS, isDataCenter } from './rongcloud/data-centers.ts';

/** The variables that configuration is read from. An empty one is an unset one. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What every door needs. */
export interface JoinConfig {
  secretId: string;
  apiUrls: ApiUrls;
}

/** What the HTTP door needs. */
export interface HttpConfig extends JoinConfig {
  tokens: TokenRules;
  jwksUrl: URL;
  /** Without a queue, `Prefer: respond-async` is ignored. */
  joinQueueUrl?: string;
}

/** What the queue door needs. */
export interface QueueConfig extends JoinConfig {
  deadLetterQueueUrl: string;
  /** Calls a second that one environment may make. */
  upstreamRate: number;
}

/** Names every variable that is missing or wrong, and none of their values. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The configuration is not usable: ${problems.join('; ')}.`);
    this.name = 'ConfigError';
  }
}

/** Reads the configuration of a door without tokens. Throws a ConfigError that names all problems at once. */
export function readJoinConfig(env: Environment): JoinConfig {
  const reader = new Reader(env);
  return reader.complete(joinConfig(reader));
}

/** Reads the HTTP door's configuration. Throws a ConfigError that names all problems at once. */
export function readHttpConfig(env: Environment): HttpConfig {
  const reader = new Reader(env);
  const issuer = reader.required('JWT_ISSUER');
  const groupsClaim = reader.optional('JWT_GROUPS_CLAIM');
  const joinQueueUrl = queueUrl(reader, 'JOIN_QUEUE_URL', reader.optional('JOIN_QUEUE_URL'));
  return reader.complete({
    ...joinConfig(reader),
    jwksUrl: keysUrl(reader, issuer),
    ...(joinQueueUrl !== undefined && { joinQueueUrl }),
    tokens: {
      issuer,
      audience: reader.required('JWT_AUDIENCE'),
      userClaim: reader.optional('JWT_USER_CLAIM') ?? 'sub',
      ...(groupsClaim !== undefined && { groupsClaim }),
      serviceScope: serviceScope(reader),
      openGroups: reader.list('OPEN_GROUPS'),
    },
  });
}

/** Reads the queue door's configuration. Throws a ConfigError that names all problems at once. */
export function readQueueConfig(env: Environment): QueueConfig {
  const reader = new Reader(env);
  const upstreamRate = Number(reader.optional('UPSTREAM_RATE') ?? 24);
  if (!(upstreamRate > 0 && upstreamRate <= 100)) reader.problem('UPSTREAM_RATE must be a number above 0, at most 100');
  const url = reader.required('JOIN_DLQ_URL');
  return reader.complete({
    ...joinConfig(reader),
    deadLetterQueueUrl: queueUrl(reader, 'JOIN_DLQ_URL', url) ?? '',
    upstreamRate,
  });
}

/** Reads variables and collects what is wrong with them. */
class Reader {
  readonly #env: Environment;
  readonly #problems: string[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  optional(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) this.problem(`${name} is missing`);
    return value ?? '';
  }

  list(name: string): string[] {
    const parts = this.optional(name)?.split(',') ?? [];
    return parts.map((part) => part.trim()).filter((part) => part !== '');
  }

  problem(text: string): void {
    this.#problems.push(text);
  }

  complete<T>(config: T): T {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
    return config;
  }
}

function joinConfig(reader: Reader): JoinConfig {
  return { secretId: reader.required('RONGCLOUD_SECRET_ID'), apiUrls: apiUrls(reader) };
}

const NOWHERE: ApiUrls = [''];

function apiUrls(reader: Reader): ApiUrls {
  const [primary, backup, ...more] = reader.list('RONGCLOUD_API_URLS');
  if (primary !== undefined) {
    const urls: ApiUrls = backup === undefined ? [primary] : [primary, backup];
    if (more.length > 0 || primary === backup || !urls.every(isOrigin)) {
      reader.problem('RONGCLOUD_API_URLS must be one https origin, or two different ones with a comma between');
    }
    return urls;
  }
  const name = reader.optional('RONGCLOUD_DATA_CENTER');
  if (name !== undefined && isDataCenter(name)) return DATA_CENTERS[name];
  const names = Object.keys(DATA_CENTERS).join(', ');
  reader.problem(
    name === undefined
      ? `RONGCLOUD_DATA_CENTER is missing: one of ${names}`
      : `RONGCLOUD_DATA_CENTER must be one of ${names}`,
  );
  return NOWHERE;
}

function keysUrl(reader: Reader, issuer: string): URL {
  const explicit = reader.optional('JWKS_URI');
  if (issuer !== '' && !safeUrl(issuer)) reader.problem('JWT_ISSUER must be an https URL');
  const url = safeUrl(explicit ?? `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`);
  if (!url && explicit !== undefined) reader.problem('JWKS_URI must be an https URL');
  return url ?? new URL('https://invalid.invalid');
}

function queueUrl(reader: Reader, name: string, url: string | undefined): string | undefined {
  if (url && !safeUrl(url)) reader.problem(`${name} must be an https URL`);
  return url;
}

function serviceScope(reader: Reader): string {
  const scope = reader.optional('JWT_SERVICE_SCOPE') ?? 'group:join';
  if (/\s/.test(scope)) reader.problem('JWT_SERVICE_SCOPE must be one scope');
  return scope;
}

/** An https URL without a user; plain http is for loopback hosts only. */
function safeUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (!url || url.username !== '' || url.password !== '') return undefined;
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback) ? url : undefined;
}

function isOrigin(text: string | undefined): boolean {
  const url = text === undefined ? undefined : safeUrl(text);
  return url !== undefined && url.pathname === '/' && url.search === '' && url.hash === '';
}
