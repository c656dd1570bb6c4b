import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { harden } from './aws-client.ts';
import { elapsedMs } from './elapsed.ts';
import { JoinError } from './errors.ts';
import type { CredentialSource } from './rongcloud/client.ts';
import type { AppCredentials } from './rongcloud/signature.ts';

const FRESH_MS = 5 * 60_000;
const LAST_GOOD_MS = 24 * 60 * 60_000;
/** Between a read that failed and the next, while an old value can serve; and between forced reads. */
const PAUSE_MS = 30_000;

/** What happens to the secret behind the calls. */
export type SecretEvent = 'secretRefresh' | 'staleSecret';

/** Reads the secret's text, or throws. */
export type SecretReader = () => Promise<string | undefined>;

export interface Credentials extends CredentialSource {
  /**
   * The app's key and secret, cached for 5 minutes; the last good ones for 24 hours while they can't be read; else
   * CREDENTIALS_UNAVAILABLE. Those that are fresh are given at once, and not as a promise.
   */
  get(): AppCredentials | Promise<AppCredentials | JoinError>;
  /**
   * After RongCloud refused credentials: those that the secret holds now, if they differ. Reads the secret at most
   * once in 30 seconds.
   */
  replace(refused: AppCredentials): Promise<AppCredentials | undefined>;
}

/** A cache over the secret: one read in flight, and a failure is not kept. */
export function createCredentials(
  read: SecretReader,
  now: () => number,
  observe?: (event: SecretEvent) => void,
): Credentials {
  let held: { value: AppCredentials; readAt: number } | undefined;
  let inFlight: Promise<AppCredentials | JoinError> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let forcedAt = Number.NEGATIVE_INFINITY;

  async function refresh(): Promise<AppCredentials | JoinError> {
    const value = await read().then(parseSecret, (cause) => new JoinError('CREDENTIALS_UNAVAILABLE', { cause }));
    inFlight = undefined;
    if (value instanceof JoinError) failedAt = now();
    else {
      held = { value, readAt: now() };
      observe?.('secretRefresh');
    }
    return value;
  }

  function readOnce(): Promise<AppCredentials | JoinError> {
    inFlight ??= refresh();
    return inFlight;
  }

  async function getAnew(): Promise<AppCredentials | JoinError> {
    if (!held || now() - held.readAt >= LAST_GOOD_MS) return readOnce();
    const old = held.value;
    const value = elapsedMs(now(), failedAt) < PAUSE_MS ? undefined : await readOnce();
    if (value && !(value instanceof JoinError)) return value;
    observe?.('staleSecret');
    return old;
  }

  return {
    get() {
      return held && elapsedMs(now(), held.readAt) < FRESH_MS ? held.value : getAnew();
    },
    async replace(refused) {
      if (held && !same(held.value, refused)) return held.value;
      if (!inFlight) {
        if (elapsedMs(now(), forcedAt) < PAUSE_MS) return undefined;
        forcedAt = now();
      }
      const value = await readOnce();
      return value instanceof JoinError || same(value, refused) ? undefined : value;
    },
  };
}

function same(a: AppCredentials, b: AppCredentials): boolean {
  return a.appKey === b.appKey && a.appSecret === b.appSecret;
}

/** The secret is `{"appKey":"…","appSecret":"…"}`. No message of a failure holds any of it. */
function parseSecret(text: string | undefined): AppCredentials | JoinError {
  if (text === undefined) return malformed('it is binary');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, so it is not kept as the cause.
    return malformed('it is not JSON');
  }
  if (typeof value !== 'object' || value === null) return malformed('it is not a JSON object');
  const appKey = 'appKey' in value ? value.appKey : undefined;
  const appSecret = 'appSecret' in value ? value.appSecret : undefined;
  if (typeof appKey !== 'string' || appKey === '') return malformed('appKey is not a non-empty string');
  if (typeof appSecret !== 'string' || appSecret === '') return malformed('appSecret is not a non-empty string');
  if (!/^[\x21-\x7e]+$/.test(appKey)) return malformed('appKey holds what no header can');
  // The App Key pasted where the App Secret belongs would be refused as a bad signature for ever.
  if (appKey === appSecret) return malformed('appKey and appSecret are the same');
  return { appKey, appSecret };
}

function malformed(reason: string): JoinError {
  return new JoinError('CREDENTIALS_UNAVAILABLE', { cause: new Error(`the secret is malformed: ${reason}`) });
}

/**
 * Reads a Secrets Manager secret by name or ARN, in two attempts and two and a half times the time of one. The SDK has
 * no time limits of its own.
 */
export function secretsManagerReader(secretId: string, requestTimeoutMs = 2000): SecretReader {
  const client = harden(
    new SecretsManagerClient({
      maxAttempts: 2,
      // The SDK's own defaults: without them it would look for others at each start.
      retryMode: 'standard',
      defaultsMode: 'legacy',
      authSchemePreference: [],
      requestHandler: { connectionTimeout: 1000, requestTimeout: requestTimeoutMs, throwOnRequestTimeout: true },
    }),
  );
  return async () => {
    // The limits above end with an answer's headers; this one is for the whole.
    const abortSignal = AbortSignal.timeout(2.5 * requestTimeoutMs);
    const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: secretId }), {
      abortSignal,
    });
    return text;
  };
}
