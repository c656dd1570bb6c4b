import type { Clock } from '../clock.ts';
import type { QueuedJoin } from './message.ts';
import type { RefusedPart } from './verdict.ts';

const REMEMBERED_MS = 60 * 60_000;
/** Of all messages together: some 10 MB. */
const MAX_PARTS = 100_000;

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
export class SentLetters {
  readonly #clock: Pick<Clock, 'steady'>;
  /** By message id, those that were added last at the end. */
  readonly #messages = new Map<string, Remembered>();
  #parts = 0;

  constructor(clock: Pick<Clock, 'steady'>) {
    this.#clock = clock;
  }

  /** A message without the users and the name that have a letter; undefined if that is nobody. */
  leftOf(message: QueuedJoin): QueuedJoin | undefined {
    const known = this.#find(message.messageId);
    if (!known) return message;
    const { groupId, groupName } = message.request;
    const userIds = message.request.userIds.filter((userId) => !known.userIds.has(userId));
    if (userIds.length === 0) return undefined;
    const name = groupName !== undefined && !known.hasNameLetter ? { groupName } : {};
    return { ...message, request: { groupId, userIds, ...name } };
  }

  /** Whether a smaller message may take the place of this one. */
  maySplit(messageId: string): boolean {
    return this.#find(messageId)?.maySplitAgain ?? true;
  }

  /** The dead-letter queue took a letter for a message that stays. */
  taken(messageId: string, { request, failedCount }: RefusedPart): void {
    const known = this.#renew(messageId);
    if (failedCount === 0) known.hasNameLetter = true;
    else for (const userId of request.userIds) known.userIds.add(userId);
    this.#parts += request.userIds.length;
    this.#forgetOldest();
  }

  /** SQS gave no answer to a smaller message. */
  unanswered(messageId: string): void {
    this.#renew(messageId).maySplitAgain = false;
    this.#parts += 1;
    this.#forgetOldest();
  }

  #find(messageId: string): Remembered | undefined {
    const known = this.#messages.get(messageId);
    return known && this.#clock.steady() - known.at < REMEMBERED_MS ? known : undefined;
  }

  #renew(messageId: string): Remembered {
    const known = this.#find(messageId) ?? { userIds: new Set<string>(), hasNameLetter: false, maySplitAgain: true };
    const renewed = { ...known, at: this.#clock.steady() };
    this.#messages.delete(messageId);
    this.#messages.set(messageId, renewed);
    return renewed;
  }

  #forgetOldest(): void {
    for (const [messageId, { at, userIds }] of this.#messages) {
      const isOld = this.#clock.steady() - at >= REMEMBERED_MS;
      if (!isOld && this.#parts <= MAX_PARTS) return;
      this.#messages.delete(messageId);
      this.#parts -= userIds.size + 1;
    }
  }
}
