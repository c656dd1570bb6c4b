import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Clock, type Moment, type Sleep, withDeadline } from '../clock.ts';
import { JoinError } from '../errors.ts';
import type { AppCredentials, CredentialSource } from '../rongcloud/signature.ts';
import { clientSettings, harden } from './client.ts';

const FRESH_MS = 5 * 60_000;
const LAST_GOOD_MS = 24 * 60 * 60_000;
/** Between a read that failed and the next, while an old value can serve. */
const PAUSE_MS = 30_000;
/** Between reads because RongCloud refused what is held. */
const FORCED_PAUSE_MS = 5000;
/** A routine read is waited for this long while an old value can serve. */
const ROUTINE_WAIT_MS = 1000;

/** What happens to the secret behind the calls. */
export type SecretEvent = 'secretRefresh' | 'staleSecret';

/** Reads the secret's text, or throws. */
export type SecretReader = () => Promise<string | undefined>;

export interface CredentialsOptions {
  read: SecretReader;
  clock: Clock;
  sleep: Sleep;
  observe?: (event: SecretEvent) => void;
}

/**
 * The app's key and secret, cached for 5 minutes; the last good ones for 24 hours while they can't be read; else
 * CREDENTIALS_UNAVAILABLE. One read is in flight at a time, and a failure is not kept.
 */
export class Credentials implements CredentialSource {
  readonly #options: CredentialsOptions;
  #held: { value: AppCredentials; readAt: Moment } | undefined;
  #inFlight: { read: Promise<AppCredentials | JoinError>; startedAt: Moment } | undefined;
  /** The read in flight, if it is because RongCloud refused what is held. */
  #forced: Promise<AppCredentials | JoinError> | undefined;
  #failedAt: Moment | undefined;
  #forcedAt: Moment | undefined;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** Credentials that are fresh are given at once, and not as a promise. While refused ones are read again, none are. */
  get(): AppCredentials | Promise<AppCredentials | JoinError> {
    if (this.#forced) return this.#afterRefusal(this.#forced);
    const { clock } = this.#options;
    return this.#held && clock.isWithin(FRESH_MS, this.#held.readAt) ? this.#held.value : this.#getAnew();
  }

  /**
   * After RongCloud refused credentials: those that the secret holds now, if they differ. Reads the secret at most once
   * in 5 seconds.
   */
  async replace(refused: AppCredentials): Promise<AppCredentials | undefined> {
    if (this.#held && !same(this.#held.value, refused)) return this.#held.value;
    if (!this.#forced) {
      const { clock } = this.#options;
      if (clock.isWithin(FORCED_PAUSE_MS, this.#forcedAt)) return undefined;
      this.#forcedAt = clock.now();
      this.#forced = this.#readPast(refused).finally(() => {
        this.#forced = undefined;
      });
    }
    const value = await this.#forced;
    return value instanceof JoinError || same(value, refused) ? undefined : value;
  }

  /** A read that was under way may have begun before the secret changed. */
  async #readPast(refused: AppCredentials): Promise<AppCredentials | JoinError> {
    const underWay = this.#inFlight;
    const value = await this.#readOnce();
    return underWay && !(value instanceof JoinError) && same(value, refused) ? this.#readOnce() : value;
  }

  /** What is held is known to be bad, so a read that fails leaves little: the refusal may have been a passing one. */
  async #afterRefusal(read: Promise<AppCredentials | JoinError>): Promise<AppCredentials | JoinError> {
    const value = await read;
    return value instanceof JoinError && this.#held ? this.#held.value : value;
  }

  async #getAnew(): Promise<AppCredentials | JoinError> {
    const { clock, sleep, observe } = this.#options;
    if (!this.#held || clock.since(this.#held.readAt) >= LAST_GOOD_MS) return this.#readOnce();
    const old = this.#held.value;
    if (!clock.isWithin(PAUSE_MS, this.#failedAt)) {
      const read = this.#readOnce();
      const leftMs = ROUTINE_WAIT_MS - clock.since(this.#inFlight?.startedAt);
      const value = await withDeadline(read, leftMs, sleep, () => undefined);
      if (value && !(value instanceof JoinError)) return value;
    }
    observe?.('staleSecret');
    return old;
  }

  #readOnce(): Promise<AppCredentials | JoinError> {
    this.#inFlight ??= { read: this.#read(), startedAt: this.#options.clock.now() };
    return this.#inFlight.read;
  }

  async #read(): Promise<AppCredentials | JoinError> {
    const { read, clock, observe } = this.#options;
    const value = await read().then(parseSecret, (cause) => new JoinError('CREDENTIALS_UNAVAILABLE', { cause }));
    this.#inFlight = undefined;
    if (value instanceof JoinError) this.#failedAt = clock.now();
    else {
      this.#held = { value, readAt: clock.now() };
      observe?.('secretRefresh');
    }
    return value;
  }
}

function same(a: AppCredentials, b: AppCredentials): boolean {
  return a.appKey === b.appKey && a.appSecret === b.appSecret;
}

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** The secret is `{"appKey":"…","appSecret":"…"}`. No message of a failure holds any of it. */
function parseSecret(text: string | undefined): AppCredentials | JoinError {
  if (text === undefined) return malformed('it is binary');
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch {
    // The parser's message quotes the text, so it is not kept as the cause.
    return malformed('it is not JSON');
  }
  if (typeof value !== 'object' || value === null) return malformed('it is not a JSON object');
  const appKey = 'appKey' in value ? value.appKey : undefined;
  const appSecret = 'appSecret' in value ? value.appSecret : undefined;
  if (typeof appKey !== 'string' || appKey === '') return malformed('appKey is not a non-empty string');
  if (typeof appSecret !== 'string' || appSecret === '') return malformed('appSecret is not a non-empty string');
  // A line break or a zero-width space that was pasted along would be refused as a bad signature for ever.
  if (!VISIBLE_ASCII.test(appKey)) return malformed('appKey holds other than visible ASCII');
  if (!VISIBLE_ASCII.test(appSecret)) return malformed('appSecret holds other than visible ASCII');
  // The App Key pasted where the App Secret belongs would be refused as a bad signature for ever.
  if (appKey === appSecret) return malformed('appKey and appSecret are the same');
  return { appKey, appSecret };
}

function malformed(reason: string): JoinError {
  return new JoinError('CREDENTIALS_UNAVAILABLE', { cause: new Error(`the secret is malformed: ${reason}`) });
}

/** Reads a Secrets Manager secret by name or ARN, in two attempts and two and a half times the time of one. */
export function secretsManagerReader(secretId: string, requestTimeoutMs = 2000): SecretReader {
  const client = harden(
    new SecretsManagerClient({
      ...clientSettings(requestTimeoutMs),
      // The SDK's own defaults: without them it would look for others at each start.
      retryMode: 'standard',
      defaultsMode: 'legacy',
      authSchemePreference: [],
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
