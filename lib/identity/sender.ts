import { createHash } from 'node:crypto';
import type { Caller } from './caller.ts';

/** The claims that may name a token's client, the first that does: RFC 9068, OpenID Connect, and what every token has. */
const CLIENT_CLAIMS = ['client_id', 'azp', 'sub'] as const;
const HASH_LENGTH = 32;

/**
 * Whom a caller's messages on the queue are from, so that SQS serves senders fairly: a service by its client, hashed,
 * since SQS takes 128 characters of ASCII and shows them. A user's message has no such name: SQS takes each message
 * without one for a sender of its own.
 */
export function senderOf({ kind, claims }: Caller): string | undefined {
  if (kind === 'user') return undefined;
  const client = CLIENT_CLAIMS.map((name) => claims[name]).find((claim) => typeof claim === 'string' && claim !== '');
  if (typeof client !== 'string') return undefined;
  return createHash('sha256').update(client).digest('hex').slice(0, HASH_LENGTH);
}
