import { randomUUID } from 'node:crypto';
import type { BringBackSoon } from '../aws/sqs.ts';
import type { JoinError } from '../errors.ts';
import { type MakeCall, settleUsers, type WantedCall } from '../join/settle.ts';
import { type Call, lastStartOf } from '../rongcloud/call.ts';
import type { RongCloudClient } from '../rongcloud/client.ts';
import { toForm } from '../rongcloud/form.ts';
import { isUnexplained } from '../rongcloud/return-codes.ts';
import type { BatchLine } from '../telemetry/batch-line.ts';
import type { Announce, GroupResults } from './events.ts';
import { type MergedJoin, mergeByGroup } from './merge.ts';
import { type QueuedJoin, type QueueMessage, readMessage, type SentLetter } from './message.ts';
import type { Pacer } from './pacer.ts';
import { Turns } from './turns.ts';
import { carryOut, type Verdict, type VerdictDeps, verdictOn } from './verdict.ts';

/** What became of a batch. */
export interface BatchReport {
  /** Message ids that stay on the queue. */
  retained: readonly string[];
  /** What the dead-letter queue took. */
  deadLettered: readonly SentLetter[];
  /** How many messages went back to the queue with fewer users. */
  requeued: number;
  /** Messages of which nothing is left to do. */
  done: number;
  groups: readonly GroupResults[];
  /** What ended the batch before its time, if anything did. */
  stoppedBy: JoinError | undefined;
}

export interface BatchDeps extends VerdictDeps {
  client: Pick<RongCloudClient, 'newCall' | 'ready'>;
  pacer: Pacer;
  bringBackSoon: BringBackSoon;
  /** Absent where nobody asked to be told. */
  announce?: Announce | undefined;
}

/** What all calls of a batch have in common. */
export interface BatchOptions {
  /** When the last call must be over, by the steady clock. */
  deadline: number;
  line: BatchLine;
}

/**
 * Joins the users of a batch: merges its messages by group, and makes as few calls as the limits allow, their starts paced.
 * Refused users go to the dead-letter queue, undecided ones stay on the queue or go back to it in a smaller message.
 */
export type JoinBatch = (messages: readonly QueueMessage[], options: BatchOptions) => Promise<BatchReport>;

export function createJoinBatch(deps: BatchDeps): JoinBatch {
  const { client, pacer, halfSent, bringBackSoon, announce, random } = deps;
  return async (messages, options) => {
    // A message that holds no valid request is read as its dead letter, which has a code.
    const read = withoutRepeats(messages).map(readMessage);
    const invalid = read.filter((message) => 'code' in message);
    // Users who got a letter at an earlier delivery are left out.
    const joins = read.flatMap((message) => ('request' in message ? (halfSent.leftOf(message) ?? []) : []));

    const turns = new Turns({ pacer, lastStart: lastStartOf(options), ready: () => client.ready(options) });
    pacer.begin();
    const groups = await Promise.all(
      mergeByGroup(joins).map(async (group) => {
        // Makes all calls for the group. Gives of each user whether it joined, was refused or is undecided.
        const wish = { ...group, userIds: group.users.keys() };
        const fates = await settleUsers(wish, {
          makeCall: createMakeCall(client, group, turns, options),
          unexplained: { isInDoubt: () => turns.isInDoubt, random },
        });
        const verdicts = group.messages.map((message) => verdictOn(message, fates, halfSent.maySplit(message)));
        return { groupId: group.groupId, verdicts };
      }),
    );

    const verdicts = groups.flatMap((group) => group.verdicts);
    const results = groups.map(resultsOf);
    const staying = new Set(verdicts.filter(({ stays }) => stays).map(({ message }) => message.messageId));
    // Sends the letters and the smaller messages. SQS still has what stays, and is to deliver it soon.
    const [carriedOut, lost] = await Promise.all([
      carryOut(verdicts, invalid, deps),
      announce?.(results),
      bringBackSoon(messages.filter(({ messageId }) => staying.has(messageId))),
    ]);
    if (lost) options.line.lostEvents(lost);
    // A message stays too if a letter or its smaller message was not taken.
    const retained = staying.union(carriedOut.unsent);
    const unfinished = verdicts.filter(
      ({ message, refusedParts, rest }) => retained.has(message.messageId) || refusedParts.length > 0 || rest,
    );
    return {
      retained: [...retained],
      deadLettered: carriedOut.deadLettered,
      requeued: carriedOut.requeued,
      done: read.length - invalid.length - unfinished.length,
      groups: results,
      stoppedBy: turns.stoppedBy ?? carriedOut.error,
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

/** Makes calls for users of a group. Each sending waits for its turn among all sendings of the batch. */
function createMakeCall(
  client: Pick<RongCloudClient, 'newCall'>,
  group: MergedJoin,
  turns: Turns,
  { deadline, line }: BatchOptions,
): MakeCall {
  return async (wanted) => {
    // Waits until one sending may start, or gives why none may. The call is made afterwards: what waits holds no form,
    // and goes to the domain that works by then.
    const whyNot = await turns.take(wanted);
    if (whyNot) return { kind: 'not_started', why: whyNot };
    const requestId = randomUUID();
    const log = line.startCall(requestId);
    // Sends nothing yet. The form is the body of each sending.
    const call = client.newCall(toForm(wanted), { requestId, deadline, log });
    const end = call.over(await sendInTurns(call, wanted, turns));
    if (end.kind === 'not_started') return end;
    const { groupId, userIds } = wanted;
    const carried = messagesOf(group, userIds);
    const messages = carried.map(({ requestId }) => requestId);
    log.end({ groupId, users: userIds.length, messages }, end, carried[0]?.request.userIds[0]);
    if (end.kind === 'failed' && concernsEveryCall(end.error)) turns.stop(end.error);
    return end;
  };
}

/**
 * Sends a call that has its turn, until it is clear what became of it. Each further sending takes another turn. Gives
 * why the last one could not start, if it could not.
 */
async function sendInTurns(call: Call, wanted: WantedCall, turns: Turns): Promise<JoinError | undefined> {
  for (;;) {
    const end = await call.send();
    turns.ended(end);
    if (end.kind === 'not_started') {
      // The secret or the time has run out, for all calls.
      turns.stop(end.why);
      return end.why;
    }
    // Too many calls say nothing of this one: it waits for another turn, as long as there are any.
    const isRefusedForRate = end.kind === 'failed' && end.error.blames === 'rate';
    if (!isRefusedForRate && !call.metDeadConnection && !(await call.hasNewSecret())) return undefined;
    const whyNot = await turns.take(wanted);
    if (whyNot) return whyNot;
  }
}

/** Whether the other calls would meet the failure too, even those for other users. */
function concernsEveryCall(error: JoinError): boolean {
  return error.blames === 'service' && !isUnexplained(error);
}

/** The messages that name some of a group's users. */
function messagesOf({ users }: MergedJoin, userIds: readonly string[]): QueuedJoin[] {
  const messages = new Set<QueuedJoin>();
  for (const userId of userIds) for (const message of users.get(userId) ?? []) messages.add(message);
  return [...messages];
}

/** Verdicts as others are told of them. */
function resultsOf({ groupId, verdicts }: { groupId: string; verdicts: readonly Verdict[] }): GroupResults {
  const results = verdicts.map(({ message, joined, refused, undecided, code }) => {
    return { requestId: message.requestId, joined, refused, undecided, ...(code !== undefined && { code }) };
  });
  return { groupId, results };
}
