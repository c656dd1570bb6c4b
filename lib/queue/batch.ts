import type { BringBackSoon, OutgoingMessage } from '../aws/sqs.ts';
import type { JoinError } from '../errors.ts';
import type { JoinRequest } from '../join/join-request.ts';
import { joinAndNarrow } from '../join/narrowing.ts';
import type { RongCloudClient } from '../rongcloud/client.ts';
import { type BatchOptions, createMakeCall } from './call.ts';
import { type DispatchDeps, dispatch, type Parcel } from './dispatch.ts';
import type { Announce } from './events.ts';
import { mergeByGroup } from './merge.ts';
import { type DeadLetter, messageBody, type QueuedJoin, type QueueMessage, readMessage } from './message.ts';
import type { Pacer } from './pacer.ts';
import { Turns } from './turns.ts';
import { type GroupResults, type MessageVerdict, type RefusedPart, resultOf, verdictOn } from './verdict.ts';

/** What became of a batch. */
export interface BatchReport {
  /** Message ids that stay on the queue. */
  retained: readonly string[];
  /** What the dead-letter queue took. */
  deadLettered: readonly DeadLetter[];
  /** How many messages went back to the queue with fewer users. */
  requeued: number;
  /** Messages of which nothing is left to do. */
  done: number;
  groups: readonly GroupResults[];
  /** What ended the batch before its time, if anything did. */
  stoppedBy: JoinError | undefined;
}

export interface BatchDeps extends DispatchDeps {
  client: Pick<RongCloudClient, 'call' | 'ready'>;
  pacer: Pacer;
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
  const { client, pacer, sentLetters, bringBackSoon, announce, random } = deps;
  return async (messages, options) => {
    const read = withoutRepeats(messages).map(readMessage);
    const joins = read.flatMap((message) => ('request' in message ? (sentLetters.leftOf(message) ?? []) : []));
    const lastStart = options.deadline - MIN_CALL_MS;
    const turns = new Turns({ pacer, lastStart, ready: () => client.ready(options) });
    pacer.begin();
    const groups = await Promise.all(
      mergeByGroup(joins).map(async (group) => {
        const makeCall = createMakeCall(client, group, turns, options);
        const unclear = { isInDoubt: () => turns.isInDoubt, random };
        const fates = await joinAndNarrow(group, { makeCall, unclear });
        return {
          group,
          verdicts: group.messages.map((message) => ({ message, verdict: verdictOn(message, fates) })),
        };
      }),
    );
    const verdicts = groups.flatMap((group) => group.verdicts);
    const results = groups.map(({ group, verdicts: some }) => ({
      groupId: group.groupId,
      results: some.map(resultOf),
    }));

    const parcels: Parcel[] = [
      ...read.flatMap((message) =>
        'code' in message ? [{ messageId: message.messageId, stays: false, letters: [{ letter: message }] }] : [],
      ),
      ...verdicts.map((one) => toParcel(one, deps)),
    ];
    const undecided = new Set(parcels.filter(({ stays }) => stays).map(({ messageId }) => messageId));
    const [sent, lost] = await Promise.all([
      dispatch(parcels, deps),
      announce?.(results),
      bringBackSoon(messages.filter(({ messageId }) => undecided.has(messageId))),
    ]);
    if (lost) options.line.lostEvents(lost);
    const retained = undecided.union(sent.unsent);
    const unfinished = parcels.filter(
      ({ messageId, letters, rest }) => retained.has(messageId) || letters.length > 0 || rest,
    );
    return {
      retained: [...retained],
      deadLettered: sent.deadLettered,
      requeued: sent.requeued,
      done: read.length - unfinished.length,
      groups: results,
      stoppedBy: turns.stoppedBy ?? sent.error,
    };
  };
}

/** SQS may hand over a message twice, in one batch too. One answer serves both. */
function withoutRepeats(messages: readonly QueueMessage[]): readonly QueueMessage[] {
  const seen = new Map<string, string>();
  return messages.filter(({ messageId, body }) => {
    if (seen.get(messageId) === body) return false;
    seen.set(messageId, body);
    return true;
  });
}

/** A message leaves the queue only once all that remains of it is on another queue or on its own again. */
function toParcel({ message, verdict }: MessageVerdict, { sentLetters, random }: BatchDeps): Parcel {
  const { messageId } = message;
  const stays = verdict.stays || (verdict.rest !== undefined && !sentLetters.maySplit(message));
  return {
    messageId,
    join: message,
    stays,
    letters: verdict.refusedParts.map((part) => ({ part, letter: toLetter(message, part) })),
    rest: stays || !verdict.rest ? undefined : toRest(message, verdict.rest, random),
  };
}

function toLetter({ messageId, requestId }: QueuedJoin, { request, code, failedCount }: RefusedPart): DeadLetter {
  return { messageId, requestId, body: messageBody(request, requestId), code, failedCount };
}

function toRest(message: QueuedJoin, request: JoinRequest, random: () => number): OutgoingMessage {
  const { requestId, sentAt, senderGroup } = message;
  const delaySeconds = Math.round(MIN_DELAY_SECONDS + random() * (MAX_DELAY_SECONDS - MIN_DELAY_SECONDS));
  return { body: messageBody(request, requestId), attributes: { firstSentAt: sentAt }, delaySeconds, senderGroup };
}
