import type { ImModel } from './im.ts';
import type { QueueModel, StoredMessage } from './queue.ts';

/** What a message asks for, as far as it can be read. */
export interface Wish {
  groupId: string;
  userIds: readonly string[];
  groupName: string | undefined;
  requestId: string;
}

/** A message that a client sent. */
export interface Sent extends Wish {
  messageId: string;
  body: string;
  sentAt: number;
  isValid: boolean;
}

/** A message on the dead-letter queue, with what was true when it came there. */
export interface Letter extends Wish {
  /** When it came. */
  at: number;
  /** The users that did not join, according to the letter. */
  failed: readonly string[];
  body: string;
  /** `redriven` when SQS moved it by itself. */
  code: string;
  failedCount: number;
  sentBy: number | undefined;
  groupWasFull: boolean;
  wereMembers: ReadonlySet<string>;
}

/** All messages that came and went, in their order. */
export interface QueueLedger {
  sent: Sent[];
  letters: Letter[];
  /** What the door itself put on its queue. */
  rests: { wish: Wish; sentBy: number; at: number }[];
  wishOf(message: StoredMessage): Wish;
  /** The client's message that a request id goes back to. */
  sentAs(requestId: string): Sent | undefined;
}

export interface LedgerOptions {
  im: ImModel;
  queue: QueueModel;
  deadLetters: QueueModel;
}

/** Keeps account of what arrives on the queues. */
export function createLedger({ im, queue, deadLetters }: LedgerOptions): QueueLedger {
  const wishes = new Map<string, Wish>();
  const wishOf = (message: StoredMessage): Wish => {
    const wish = wishes.get(message.messageId) ?? readWish(message);
    wishes.set(message.messageId, wish);
    return wish;
  };
  const byRequestId = new Map<string, Sent>();
  const sentAs = (requestId: string) => byRequestId.get(requestId);
  const ledger: QueueLedger = { sent: [], letters: [], rests: [], wishOf, sentAs };

  queue.onArrival = (message) => {
    const { messageId, body, sentAt, sentBy } = message;
    const wish = wishOf(message);
    if (sentBy !== undefined) {
      ledger.rests.push({ wish, sentBy, at: sentAt });
      return;
    }
    const sent = { ...wish, messageId, body, sentAt, isValid: wish.userIds.length > 0 };
    ledger.sent.push(sent);
    byRequestId.set(sent.requestId, sent);
  };
  deadLetters.onArrival = (message) => {
    const { body, attributes, sentBy, redriven, sentAt } = message;
    const read = readWish(message);
    const wish = { ...read, requestId: attributes.requestId ?? read.requestId };
    const { groupId, userIds } = wish;
    const members = im.members(groupId);
    const wereMembers = new Set(userIds.filter((userId) => members.has(userId)));
    const failedCount = Number(attributes.failedCount ?? Number.NaN);
    const code = redriven ? 'redriven' : (attributes.code ?? 'none');
    const namesNobody = !redriven && failedCount === 0;
    const failed = namesNobody ? [] : userIds;
    ledger.letters.push({
      ...wish,
      at: sentAt,
      failed,
      body,
      code,
      failedCount,
      sentBy,
      groupWasFull: im.isFull(groupId),
      wereMembers,
    });
  };
  return ledger;
}

const NOTHING = { groupId: '', userIds: [], groupName: undefined };

/** A body that is no request asks for nothing. */
function readWish({ messageId, body }: StoredMessage): Wish {
  try {
    const { groupId, userIds, groupName, requestId = messageId } = JSON.parse(body) as Partial<Wish>;
    if (typeof groupId !== 'string' || !Array.isArray(userIds)) return { ...NOTHING, requestId };
    return { groupId, userIds: [...new Set(userIds)], groupName, requestId };
  } catch {
    return { ...NOTHING, requestId: messageId };
  }
}
