import { hash } from 'node:crypto';
import type { JoinError } from '../errors.ts';

/** What RongCloud knows an app by: the public App Key and the App Secret that signs. */
export interface AppCredentials {
  appKey: string;
  appSecret: string;
}

/** Where a call gets the app's credentials. Neither method throws. */
export interface CredentialSource {
  get(): AppCredentials | Promise<AppCredentials | JoinError>;
  /** Other credentials than those RongCloud refused, or undefined if there are none. */
  replace(refused: AppCredentials): Promise<AppCredentials | undefined>;
}

/** The headers that authenticate one call. */
export interface SignatureHeaders {
  'App-Key': string;
  Nonce: string;
  Timestamp: string;
  Signature: string;
}

/**
 * Signs one sending: lower-case hex SHA-1 of App Secret + nonce + timestamp, joined without a separator (the vendor's
 * page "API Request Signature").
 * `nonce` is at most 18 characters and never used twice; `timestampMs` is milliseconds since 1970.
 */
export function sign(credentials: AppCredentials, nonce: string, timestampMs: number): SignatureHeaders {
  const timestamp = String(timestampMs);
  const signature = hash('sha1', `${credentials.appSecret}${nonce}${timestamp}`);
  return { 'App-Key': credentials.appKey, Nonce: nonce, Timestamp: timestamp, Signature: signature };
}

/**
 * A nonce of 70 random bits from a random UUID: its last 18 hex characters, the longest that RongCloud takes ("API
 * Request Signature"). Their number keeps the joined text of a signature unambiguous. Node draws UUIDs from random
 * bytes that it fetches for 128 at once, where randomBytes asks the system for each nonce.
 */
export function nonceFrom(uuid: string): string {
  return uuid.replaceAll('-', '').slice(-18);
}
