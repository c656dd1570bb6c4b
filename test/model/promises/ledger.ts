import type { MessageAttributes } from '../../../sandbox/aws/sqs/message.ts';
import type { World } from '../../../tools/sim/world.ts';

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
  wishOf(message: Message): Wish;
  /** The client's message that a request id goes back to. */
  sentAs(requestId: string): Sent | undefined;
}

/** A message, wherever it is met. */
interface Message {
  messageId: string;
  body: string;
}

/** Keeps account of what arrives on the queues. */
export function createLedger({
  rongCloud,
  queue,
  deadLetters,
  sqs,
}: Pick<World, 'rongCloud' | 'queue' | 'deadLetters' | 'sqs'>): QueueLedger {
  const wishes = new Map<string, Wish>();
  const wishOf = (message: Message): Wish => {
    const wish = wishes.get(message.messageId) ?? readWish(message);
    wishes.set(message.messageId, wish);
    return wish;
  };
  const byRequestId = new Map<string, Sent>();
  const sentAs = (requestId: string) => byRequestId.get(requestId);
  const ledger: QueueLedger = { sent: [], letters: [], rests: [], wishOf, sentAs };

  queue.onArrival = (message) => {
    const { messageId, body, sentAt } = message;
    const sentBy = sqs.sender;
    const wish = wishOf(message);
    if (sentBy !== undefined) {
      ledger.rests.push({ wish, sentBy, at: sentAt });
      return;
    }
    const sent = { ...wish, messageId, body, sentAt, isValid: wish.userIds.length > 0 };
    ledger.sent.push(sent);
    byRequestId.set(sent.requestId, sent);
  };
  deadLetters.onArrival = (message, how) => {
    const { body, sentAt } = message;
    const attributes = texts(message.attributes);
    const redriven = how === 'given up';
    const read = readWish(message);
    const wish = { ...read, requestId: attributes.requestId ?? read.requestId };
    const { groupId, userIds } = wish;
    const members = rongCloud.members(groupId);
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
      sentBy: redriven ? undefined : sqs.sender,
      groupWasFull: rongCloud.isFull(groupId),
      wereMembers,
    });
  };
  return ledger;
}

function texts(attributes: MessageAttributes): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(attributes).map(([name, { StringValue }]) => [name, StringValue]));
}

const NOTHING = { groupId: '', userIds: [], groupName: undefined };

/** A body that is no request asks for nothing. */
function readWish({ messageId, body }: Message): Wish {
  try {
    const { groupId, userIds, groupName, requestId = messageId } = JSON.parse(body) as Partial<Wish>;
    if (typeof groupId !== 'string' || !Array.isArray(userIds)) return { ...NOTHING, requestId };
    return { groupId, userIds: [...new Set(userIds)], groupName, requestId };
  } catch {
    return { ...NOTHING, requestId: messageId };
  }
}
