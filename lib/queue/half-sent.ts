import type { Clock } from '../clock.ts';
import type { QueuedJoin, RefusedPart } from './message.ts';

const REMEMBERED_MS = 60 * 60_000;
/** Of all messages together: some 10 MB. */
const MAX_USERS = 100_000;
const MAX_MESSAGES = 10_000;

/** What was sent for a message that is still on the queue. */
interface Remembered {
  /** By the steady clock. */
  at: number;
  /** Users for whom the dead-letter queue took a letter. */
  userIds: Set<string>;
  hasNameLetter: boolean;
  /** Whether a smaller message may stand on the queue too, since SQS gave no answer to it. */
  maySplitAgain: boolean;
}

/**
 * What an environment sent for messages that then had to stay on the queue, since another part could not be sent. It
 * remembers that for an hour, so that no delivery sends the same again: while one of the queues is down, letters and
 * messages would multiply.
 */
export class HalfSent {
  readonly #clock: Pick<Clock, 'steady'>;
  /** Those that were added last at the end. */
  readonly #messages = new Map<string, Remembered>();
  /** Users of all messages together. */
  #users = 0;

  constructor(clock: Pick<Clock, 'steady'>) {
    this.#clock = clock;
  }

  /** A message without the users and the name that have a letter; undefined if that is nobody. */
  leftOf(message: QueuedJoin): QueuedJoin | undefined {
    const known = this.#find(keyOf(message));
    if (!known) return message;
    const { groupId, groupName } = message.request;
    const userIds = message.request.userIds.filter((userId) => !known.userIds.has(userId));
    if (userIds.length === 0) return undefined;
    const name = groupName !== undefined && !known.hasNameLetter ? { groupName } : {};
    return { ...message, request: { groupId, userIds, ...name } };
  }

  /** Whether a smaller message may take the place of this one. */
  maySplit(message: QueuedJoin): boolean {
    return this.#find(keyOf(message))?.maySplitAgain ?? true;
  }

  /** The dead-letter queue took a letter for a message that stays. */
  taken(message: QueuedJoin, { request, failedCount }: RefusedPart): void {
    const known = this.#renew(keyOf(message));
    if (failedCount === 0) {
      known.hasNameLetter = true;
      return;
    }
    this.#users -= known.userIds.size;
    for (const userId of request.userIds) known.userIds.add(userId);
    this.#users += known.userIds.size;
  }

  /** SQS gave no answer to a smaller message. */
  unanswered(message: QueuedJoin): void {
    this.#renew(keyOf(message)).maySplitAgain = false;
  }

  #find(key: string): Remembered | undefined {
    const known = this.#messages.get(key);
    return known && this.#isFresh(known) ? known : undefined;
  }

  #isFresh({ at }: Remembered): boolean {
    return this.#clock.steady() - at < REMEMBERED_MS;
  }

  /** What is known of a message, as the newest. Forgets the oldest of the others, as far as that is needed. */
  #renew(key: string): Remembered {
    const known = this.#find(key) ?? { userIds: new Set<string>(), hasNameLetter: false, maySplitAgain: true };
    const renewed = { ...known, at: this.#clock.steady() };
    this.#forget(key);
    for (const [oldest, other] of this.#messages) {
      const hasRoom = this.#users < MAX_USERS && this.#messages.size < MAX_MESSAGES;
      if (hasRoom && this.#isFresh(other)) break;
      this.#forget(oldest);
    }
    this.#messages.set(key, renewed);
    this.#users += renewed.userIds.size;
    return renewed;
  }

  #forget(key: string): void {
    this.#users -= this.#messages.get(key)?.userIds.size ?? 0;
    this.#messages.delete(key);
  }
}

/** By its group too: a message that was made by hand may have the id of another. */
function keyOf({ messageId, request }: QueuedJoin): string {
  return `${messageId} ${request.groupId}`;
}
