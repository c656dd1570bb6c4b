import type { SQSRecord } from 'aws-lambda';
import { keptBack } from '../../../sandbox/lambda/event-source.ts';
import type { Call } from '../../../tools/sim/rongcloud.ts';
import type { Batch } from '../../../tools/sim/world.ts';
import type { QueueWorld } from '../queue-world.ts';
import type { Breach } from './breach.ts';
import type { Sent, Wish } from './ledger.ts';

/** A message of a batch that gives a name, and the client's message that it goes back to. */
interface Named {
  message: SQSRecord;
  wish: Wish;
  groupName: string;
  sent: Sent;
}

/** A batch with the calls of it that RongCloud answered with success. */
interface Told {
  world: QueueWorld;
  invocation: Batch;
  /** Ids of the messages that the batch left on the queue. */
  back: ReadonlySet<string>;
  told: readonly Call[];
}

/** Checks the names that each batch gave to groups. A batch whose answer was lost has nothing to answer for. */
export function* nameBreaches(world: QueueWorld): Generator<Breach> {
  const tolds = Map.groupBy(
    world.rongCloud.calls.filter(({ told }) => told),
    (sending) => sending.invocation,
  );
  for (const invocation of world.lambda.invocations) {
    if (invocation.end !== 'answered' || !invocation.answer) continue;
    const back = keptBack(invocation.event.Records, invocation.answer);
    const named = invocation.event.Records.flatMap((message) => toNamed(world, message));
    for (const [groupId, some] of Map.groupBy(named, ({ wish }) => wish.groupId)) {
      const told = (tolds.get(invocation.id) ?? []).filter((sending) => sending.groupId === groupId);
      yield* ofGroup({ world, invocation, back, told }, some);
    }
  }
}

function toNamed({ ledger }: QueueWorld, message: SQSRecord): Named[] {
  const wish = ledger.wishOf(message);
  const sent = wish.groupName === undefined ? undefined : ledger.sentAs(wish.requestId);
  return sent && wish.groupName !== undefined ? [{ message, wish, groupName: wish.groupName, sent }] : [];
}

function* ofGroup(batch: Told, named: readonly Named[]): Generator<Breach> {
  const accepted = acceptedIn(batch);
  const age = (name: string): number =>
    Math.max(...named.filter(({ groupName }) => groupName === name).map(({ sent }) => sent.sentAt));
  const last = accepted.at(-1);
  const where = `in batch ${batch.invocation.id}`;
  if (last !== undefined && age(last) < Math.max(...accepted.map(age))) {
    yield { promise: 'the newest name wins', detail: `${last} is last of ${accepted.join()} ${where}` };
  }
  for (const one of named) {
    if (!hasJoined(batch, one) || isWritten(batch, one) || isKept(batch, one)) continue;
    // A name whose users were all refused has no call to go with. Whether an older one has its turn then is left open.
    const isOutdone = named.some(
      (other) =>
        other !== one && other.sent.sentAt >= one.sent.sentAt && (isKept(batch, other) || !hasJoined(batch, other)),
    );
    if (!isOutdone) yield { promise: 'no name is lost', detail: `${one.groupName} of ${one.wish.groupId} ${where}` };
  }
}

function acceptedIn({ told }: Told): string[] {
  return told.flatMap(({ groupName }) => (groupName === undefined ? [] : [groupName]));
}

function hasJoined({ told }: Told, { wish }: Named): boolean {
  return told.some(({ userIds }) => userIds.some((userId) => wish.userIds.includes(userId)));
}

function isWritten({ world }: Told, { sent, groupName }: Named): boolean {
  return world.ledger.letters.some((letter) => letter.requestId === sent.requestId && letter.groupName === groupName);
}

/** Whether a name was accepted, or waits on the queue for another delivery. */
function isKept(batch: Told, { message, sent, groupName }: Named): boolean {
  const { world, invocation, back } = batch;
  if (acceptedIn(batch).includes(groupName) || back.has(message.messageId)) return true;
  return world.ledger.rests.some(
    ({ sentBy, wish }) => sentBy === invocation.id && wish.requestId === sent.requestId && wish.groupName !== undefined,
  );
}
