import type { JoinError } from '../errors.ts';
import type { RongCloudClient } from '../rongcloud/client.ts';
import { type BatchOptions, createCall } from './call.ts';
import { coalesce } from './coalesce.ts';
import { type DeadLetter, toDeadLetter } from './dead-letters.ts';
import type { Announce, GroupResults } from './events.ts';
import { type QueueMessage, readMessage } from './message.ts';
import type { Pacer } from './pacer.ts';
import { messageBody, type OutgoingMessage, type Send } from './send.ts';
import { settleGroup } from './settle-group.ts';
import { createTurns } from './turns.ts';
import { type MessageVerdict, resultOf, verdictOn } from './verdict.ts';
import type { BringBackSoon } from './visibility.ts';

/** What became of a batch. */
export interface BatchReport {
  /** Message ids that stay on the queue. */
  retained: readonly string[];
  /** What the dead-letter queue took. */
  deadLettered: readonly DeadLetter[];
  /** How many messages went back to the queue with fewer users. */
  requeued: number;
  /** Messages whose users have all joined. */
  done: number;
  groups: readonly GroupResults[];
  /** What ended the batch before its time, if anything did. */
  stoppedBy: JoinError | undefined;
}

export interface BatchDeps {
  client: RongCloudClient;
  pacer: Pacer;
  sendDeadLetters: Send;
  /** Sends to the queue that the batch comes from. */
  sendBack: Send;
  bringBackSoon: BringBackSoon;
  /** Absent where nobody asked to be told. */
  announce?: Announce | undefined;
  /** From 0 up to 1. */
  random: () => number;
}

/** A call is not begun with less time than this. */
const MIN_CALL_MS = 1000;
/** How long a message with fewer users waits before its next delivery. */
const MIN_DELAY_SECONDS = 5;
const MAX_DELAY_SECONDS = 60;

/** Joins the users of a batch in as few calls as the limits allow, their starts paced. */
export type JoinBatch = (messages: readonly QueueMessage[], options: BatchOptions) => Promise<BatchReport>;

export function createJoinBatch(deps: BatchDeps): JoinBatch {
  const { client, pacer, sendDeadLetters, sendBack, bringBackSoon, announce, random } = deps;
  return async (messages, options) => {
    const read = messages.map(readMessage);
    const turns = createTurns({ pacer, lastStart: options.deadline - MIN_CALL_MS });
    pacer.begin();
    const groups = await Promise.all(
      coalesce(read.filter((message) => 'request' in message)).map(async (group) => {
        const call = createCall(client, group, turns, options);
        const settled = await settleGroup(group, { call, inDoubt: turns.inDoubt, random });
        return {
          group,
          verdicts: group.messages.map((message) => ({ message, verdict: verdictOn(message, settled) })),
        };
      }),
    );
    const verdicts = groups.flatMap((group) => group.verdicts);
    const results = groups.map(({ group, verdicts: some }) => ({
      groupId: group.groupId,
      results: some.map(resultOf),
    }));

    // A message leaves the queue only once all that remains of it is on another or on its own again.
    const letters = [...read.filter((message) => 'code' in message), ...verdicts.flatMap(toLetters)];
    const rests = verdicts.flatMap((one) => toRest(one, random));
    const untouched = new Set(verdicts.filter(({ verdict }) => verdict.retained).map((one) => one.message.messageId));
    const [dead, back, lost] = await Promise.all([
      sendDeadLetters(letters.map(toDeadLetter)),
      sendBack(rests.map(({ outgoing }) => outgoing)),
      announce?.(results),
      bringBackSoon(messages.filter(({ messageId }) => untouched.has(messageId))),
    ]);
    if (lost) options.onLostEvents?.(lost);
    const retained = new Set([
      ...untouched,
      ...letters.filter((_, i) => !dead.taken[i]).map(({ messageId }) => messageId),
      ...rests.filter((_, i) => !back.taken[i]).map(({ messageId }) => messageId),
    ]);
    const unfinished = new Set([...retained, ...[...letters, ...rests].map(({ messageId }) => messageId)]);
    return {
      retained: [...retained],
      deadLettered: letters.filter((_, i) => dead.taken[i]),
      requeued: back.taken.filter(Boolean).length,
      done: messages.length - unfinished.size,
      groups: results,
      stoppedBy: turns.stoppedBy() ?? dead.error ?? back.error,
    };
  };
}

function toLetters({ message: { messageId, requestId }, verdict }: MessageVerdict): DeadLetter[] {
  return verdict.refusedParts.map(({ request, code, failedCount }) => {
    return { messageId, requestId, body: messageBody(request, requestId), code, failedCount };
  });
}

function toRest(
  { message, verdict }: MessageVerdict,
  random: () => number,
): { messageId: string; outgoing: OutgoingMessage }[] {
  if (!verdict.rest) return [];
  const { messageId, requestId, sentAt, senderGroup } = message;
  const delaySeconds = Math.round(MIN_DELAY_SECONDS + random() * (MAX_DELAY_SECONDS - MIN_DELAY_SECONDS));
  const body = messageBody(verdict.rest, requestId);
  return [{ messageId, outgoing: { body, attributes: { firstSentAt: sentAt }, delaySeconds, senderGroup } }];
}
