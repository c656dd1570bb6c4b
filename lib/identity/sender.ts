import { hash } from 'node:crypto';
import { type Caller, clientOf } from './caller.ts';

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
  const sender: unknown = clientOf(claims) || claims.sub;
  if (typeof sender !== 'string' || sender === '') return undefined;
  return hash('sha256', sender).slice(0, HASH_LENGTH);
}

/**
 * The client that a service's token names, for the log. `sub` is not asked: it may be a person even there. Nothing of a
 * user's token is told.
 */
export function clientNameOf({ kind, claims }: Caller): string | undefined {
  const name = kind === 'user' ? undefined : clientOf(claims);
  // JSON writes those from U+0080 on as they are, and one of them begins the commands of a terminal.
  return name?.slice(0, MAX_NAME_LENGTH).replaceAll(CONTROL_CHARACTERS, '\uFFFD') || undefined;
}
