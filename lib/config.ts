import { type Environment, EnvironmentReader, safeUrl } from './environment.ts';
import { type TokenConfig, tokenConfig } from './identity/token-config.ts';
import { type ApiUrls, DATA_CENTERS, isDataCenter } from './rongcloud/data-centers.ts';

/** What every door needs. */
export interface JoinConfig {
  secretId: string;
  apiUrls: ApiUrls;
}

/** What the HTTP door needs. */
export interface HttpConfig extends JoinConfig, TokenConfig {
  /** What the header of a request must be, one of these; anything if there are none. */
  originSecrets: readonly string[];
  /** Without a queue, `Prefer: respond-async` is ignored. */
  joinQueueUrl?: string;
}

/** What the queue door needs. */
export interface QueueConfig extends JoinConfig {
  deadLetterQueueUrl: string;
  /** The queue that this door reads: smaller messages go back to it. */
  joinQueueUrl: string;
  /** Calls a second that one environment may make. */
  upstreamRate: number;
  /** Where this door tells what its batches did, if anywhere. */
  events?: EventsConfig;
}

/** An EventBridge bus, by name or ARN, and whom its events are from. */
export interface EventsConfig {
  bus: string;
  source: string;
}

/** Reads the configuration of a door without tokens. Throws a ConfigError that names all problems at once. */
export function readJoinConfig(env: Environment): JoinConfig {
  const reader = new EnvironmentReader(env);
  return reader.complete(joinConfig(reader));
}

/** Reads the HTTP door's configuration. Throws a ConfigError that names all problems at once. */
export function readHttpConfig(env: Environment): HttpConfig {
  const reader = new EnvironmentReader(env);
  const joinQueueUrl = reader.url('JOIN_QUEUE_URL');
  return reader.complete({
    ...joinConfig(reader),
    ...tokenConfig(reader),
    originSecrets: originSecrets(reader),
    ...(joinQueueUrl !== undefined && { joinQueueUrl }),
  });
}

/** Reads the queue door's configuration. Throws a ConfigError that names all problems at once. */
export function readQueueConfig(env: Environment): QueueConfig {
  const reader = new EnvironmentReader(env);
  const upstreamRate = Number(reader.optional('UPSTREAM_RATE') ?? 24);
  if (!(upstreamRate > 0 && upstreamRate <= 100)) reader.problem('UPSTREAM_RATE must be a number above 0, at most 100');
  return reader.complete({
    ...joinConfig(reader),
    deadLetterQueueUrl: reader.requiredUrl('JOIN_DLQ_URL'),
    joinQueueUrl: reader.requiredUrl('JOIN_QUEUE_URL'),
    upstreamRate,
    ...eventsConfig(reader),
  });
}

/** Where the AWS SDK's clients of this service find other addresses than AWS's own. */
const AWS_ADDRESSES = [
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  'AWS_ENDPOINT_URL_SQS',
  'AWS_ENDPOINT_URL_EVENTBRIDGE',
];

function joinConfig(reader: EnvironmentReader): JoinConfig {
  for (const name of AWS_ADDRESSES) reader.url(name);
  return { secretId: reader.required('RONGCLOUD_SECRET_ID'), apiUrls: apiUrls(reader) };
}

const NOWHERE: ApiUrls = [''];

function apiUrls(reader: EnvironmentReader): ApiUrls {
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

/** What EventBridge takes for the name of a bus and for a source, of which `aws.` is AWS's own. */
const BUS = /^(arn:[\w-]+:events:[\w-]+:\d{12}:event-bus\/)?[\w./-]{1,256}$/;
const SOURCE = /^(?!aws\.)[\w./-]{1,256}$/;

function eventsConfig(reader: EnvironmentReader): { events?: EventsConfig } {
  const bus = reader.optional('RESULT_BUS');
  if (bus === undefined) return {};
  const source = reader.required('RESULT_SOURCE');
  if (!BUS.test(bus)) reader.problem('RESULT_BUS must be the name or the ARN of an event bus');
  if (source !== '' && !SOURCE.test(source)) reader.problem('RESULT_SOURCE must be the source of an event');
  return { events: { bus, source } };
}

function originSecrets(reader: EnvironmentReader): string[] {
  const secrets = reader.list('ORIGIN_SECRET');
  // Blanks or commas alone were meant to close the API: as none they would open it.
  const isBlank = secrets.length === 0 && reader.isSet('ORIGIN_SECRET');
  if (isBlank || !secrets.every((secret) => /^[\x21-\x7e]{16,}$/.test(secret))) {
    reader.problem(
      'ORIGIN_SECRET must be at least 16 visible ASCII characters, or several such values with commas between',
    );
  }
  return secrets;
}

function isOrigin(text: string | undefined): boolean {
  const url = text === undefined ? undefined : safeUrl(text);
  return url !== undefined && url.pathname === '/' && url.search === '' && url.hash === '';
}
