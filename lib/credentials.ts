import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { JoinError } from './errors.ts';
import type { AppCredentials } from './rongcloud/signature.ts';

const FRESH_MS = 5 * 60_000;

/** Reads the secret's text, or throws. */
export type SecretReader = () => Promise<string | undefined>;

export interface Credentials {
  /** The app's key and secret, cached for 5 minutes. Throws CREDENTIALS_UNAVAILABLE. */
  get(): Promise<AppCredentials>;
}

/** A cache over the secret: one read in flight, and a failure is not kept. */
export function createCredentials(read: SecretReader, now: () => number): Credentials {
  let held: { value: AppCredentials; readAt: number } | undefined;
  let inFlight: Promise<AppCredentials> | undefined;

  async function refresh(): Promise<AppCredentials> {
    try {
      const value = parseSecret(await readOrFail(read));
      held = { value, readAt: now() };
      return value;
    } finally {
      inFlight = undefined;
    }
  }

  return {
    async get() {
      if (held && now() - held.readAt < FRESH_MS) return held.value;
      inFlight ??= refresh();
      return inFlight;
    },
  };
}

async function readOrFail(read: SecretReader): Promise<string | undefined> {
  try {
    return await read();
  } catch (cause) {
    throw new JoinError('CREDENTIALS_UNAVAILABLE', { cause });
  }
}

/** The secret is `{"appKey":"…","appSecret":"…"}`. No message of a failure holds any of it. */
function parseSecret(text: string | undefined): AppCredentials {
  if (text === undefined) throw malformed('it is binary');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, so it is not kept as the cause.
    throw malformed('it is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw malformed('it is not a JSON object');
  const appKey = 'appKey' in value ? value.appKey : undefined;
  const appSecret = 'appSecret' in value ? value.appSecret : undefined;
  if (typeof appKey !== 'string' || appKey === '') throw malformed('appKey is not a non-empty string');
  if (typeof appSecret !== 'string' || appSecret === '') throw malformed('appSecret is not a non-empty string');
  // The App Key pasted where the App Secret belongs would be refused as a bad signature for ever.
  if (appKey === appSecret) throw malformed('appKey and appSecret are the same');
  return { appKey, appSecret };
}

function malformed(reason: string): JoinError {
  return new JoinError('CREDENTIALS_UNAVAILABLE', { cause: new Error(`the secret is malformed: ${reason}`) });
}

/** Reads a Secrets Manager secret by name or ARN. The SDK has no time limits of its own. */
export function secretsManagerReader(secretId: string): SecretReader {
  const client = new SecretsManagerClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
  });
  return async () => {
    const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    return text;
  };
}
