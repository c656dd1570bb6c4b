import { randomUUID } from 'node:crypto';
import type { JoinError } from '../errors.ts';
import type { MakeCall, WantedCall } from '../join/narrowing.ts';
import type { Call } from '../rongcloud/call.ts';
import type { RongCloudClient } from '../rongcloud/client.ts';
import { toForm } from '../rongcloud/form.ts';
import { mayBeForItsContent } from '../rongcloud/return-codes.ts';
import type { BatchLine } from '../telemetry/batch-line.ts';
import type { MergedJoin } from './merge.ts';
import type { QueuedJoin } from './message.ts';
import type { Turns } from './turns.ts';

/** What all calls of a batch have in common. */
export interface BatchOptions {
  /** When the last call must be over, by the steady clock. */
  deadline: number;
  line: BatchLine;
}

/** Makes calls for users of a group. Each sending waits for its turn. */
export function createMakeCall(
  client: Pick<RongCloudClient, 'call'>,
  group: MergedJoin,
  turns: Turns,
  { deadline, line }: BatchOptions,
): MakeCall {
  return async (wanted) => {
    // What waits for its turn holds no form, and goes to the domain that works by then.
    const why = await turns.take(wanted);
    if (why) return { kind: 'not_started', why };
    const requestId = randomUUID();
    const log = line.startCall(requestId);
    const call = client.call(toForm(wanted), { requestId, deadline, log });
    const end = call.over(await send(call, wanted, turns));
    if (end.kind === 'not_started') return end;
    const { groupId, userIds } = wanted;
    const [first] = group.messagesOf(userIds[0] ?? '');
    log.end({ groupId, users: userIds.length, messages: requestIdsOf(group, userIds) }, end, first?.request.userIds[0]);
    if (end.kind === 'failed' && concernsEveryCall(end.error)) turns.stop(end.error);
    return end;
  };
}

/** Sends a call whose turn it is, until it is clear what became of it. Gives why no more turns were given, if so. */
async function send(call: Call, wanted: WantedCall, turns: Turns): Promise<JoinError | undefined> {
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
    const why = await turns.take(wanted);
    if (why) return why;
  }
}

/** Whether the other calls would meet the failure too, even those for other users. */
function concernsEveryCall(error: JoinError): boolean {
  return (error.blames === 'service' || error.blames === 'time') && !mayBeForItsContent(error);
}

function requestIdsOf({ messagesOf }: MergedJoin, userIds: readonly string[]): string[] {
  const messages = new Set<QueuedJoin>();
  for (const userId of userIds) for (const message of messagesOf(userId)) messages.add(message);
  return [...messages].map(({ requestId }) => requestId);
}
