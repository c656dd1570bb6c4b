import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { Caller } from './caller.ts';

/** The claims that name a token's client, the first that does: RFC 9068, OpenID Connect. */
const CLIENT_CLAIMS = ['client_id', 'azp'] as const;
const HASH_LENGTH = 32;
const MAX_NAME_LENGTH = 128;
const CONTROL_CHARACTERS = /\p{Cc}/gu;

/**
 * Whom a caller's messages on the queue are from, so that SQS serves senders fairly: a service by its client, hashed,
 * since SQS takes 128 characters of ASCII and shows them. A user's message has no such name: SQS takes each message
 * without one for a sender of its own.
 */
export function senderOf({ kind, claims }: Caller): string | undefined {
  if (kind === 'user') return undefined;
  const client = firstText(claims, [...CLIENT_CLAIMS, 'sub']);
  if (client === undefined) return undefined;
  return createHash('sha256').update(client).digest('hex').slice(0, HASH_LENGTH);
}

/**
 * The client that a service's token names, for the log. `sub` is not asked: it may be a person even there. Nothing of a
 * user's token is told.
 */
export function clientOf({ kind, claims }: Caller): string | undefined {
  const name = kind === 'user' ? undefined : firstText(claims, CLIENT_CLAIMS);
  // JSON writes those from U+0080 on as they are, and one of them begins the commands of a terminal.
  return name?.slice(0, MAX_NAME_LENGTH).replaceAll(CONTROL_CHARACTERS, '\uFFFD');
}

function firstText(claims: JWTPayload, names: readonly string[]): string | undefined {
  return names.map((name) => claims[name]).find((claim): claim is string => typeof claim === 'string' && claim !== '');
}
