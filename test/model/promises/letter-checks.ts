import type { QueueWorld } from '../queue-world.ts';
import type { Breach } from './breach.ts';
import type { Letter } from './ledger.ts';
import { isAtRest, isRefused, isUndecidable } from './user-checks.ts';

/** The codes of a dead letter for users. Of several refusals in one letter it tells the first. */
const REFUSALS: readonly string[] = ['UPSTREAM_REJECTED', 'GROUP_FULL'];

/** Checks what came to the dead-letter queue, and what the door sent to its own queue. */
export function* letterBreaches(world: QueueWorld): Generator<Breach> {
  for (const letter of world.ledger.letters) {
    if (letter.code === 'INVALID_REQUEST') continue;
    yield* form(world, letter);
    if (letter.code !== 'redriven' && letter.failedCount === 0) yield* refusedName(world, letter);
    for (const userId of letter.failed) yield* refusedUser(world, letter, userId);
  }
  yield* invalidMessages(world);
  yield* rests(world);
}

function* form({ ledger }: QueueWorld, letter: Letter): Generator<Breach> {
  const { code, groupId, userIds, failed, failedCount, requestId } = letter;
  const sent = ledger.sentAs(requestId);
  const fits = sent?.groupId === groupId && userIds.every((userId) => sent.userIds.includes(userId));
  if (!fits)
    yield { promise: 'a dead letter says what it is about', detail: `${code} for ${groupId}, not of ${requestId}` };
  if (code === 'redriven') return;
  const detail = `${code} for ${failedCount} of ${groupId}, and it names ${failed.length}`;
  if (failed.length !== failedCount) yield { promise: 'a dead letter says what it is about', detail };
}

/** A name is refused when RongCloud finds fault with it, or answered with trouble where it took the users without. */
function* refusedName({ rongCloud }: QueueWorld, { groupId, groupName, code }: Letter): Generator<Breach> {
  const hasFault = groupName !== undefined && rongCloud.options.nameFaults.has(groupName);
  const fits = groupName !== undefined && (hasFault || code !== 'UPSTREAM_REJECTED');
  const detail = `${code} for the name ${groupName} of ${groupId}`;
  if (!fits) yield { promise: 'nobody is refused who could join', detail };
}

function* refusedUser(world: QueueWorld, letter: Letter, userId: string): Generator<Breach> {
  const { code, groupId, groupWasFull, wereMembers } = letter;
  const detail = `${code} for ${userId} of ${groupId}`;
  if (wereMembers.has(userId)) {
    if (couldKnow(world, letter, userId))
      yield { promise: 'a user ends in one place', detail: `${detail}, who had joined` };
    return;
  }
  const fits =
    code === 'redriven'
      ? isRefused(world, userId) || isUndecidable(world, userId) || groupWasFull
      : REFUSALS.includes(code) && (isRefused(world, userId) || groupWasFull);
  if (!fits) yield { promise: 'nobody is refused who could join', detail };
}

/**
 * Whether a batch that refused a member could know better. A later delivery can't: it meets a full group, and nobody
 * wrote down what the delivery before it did.
 */
function couldKnow({ rongCloud }: QueueWorld, { sentBy, groupId, groupWasFull }: Letter, userId: string): boolean {
  if (!groupWasFull) return true;
  return rongCloud.calls.some(
    ({ invocation, groupId: calledFor, userIds, carriedOut, told }) =>
      invocation === sentBy &&
      calledFor === groupId &&
      (told || (carriedOut && !rongCloud.options.countsMembers)) &&
      userIds.includes(userId),
  );
}

function* invalidMessages(world: QueueWorld): Generator<Breach> {
  const { queue, ledger } = world;
  const verbatim = new Set(ledger.letters.filter(({ code }) => code === 'INVALID_REQUEST').map(({ body }) => body));
  const waiting = new Set(isAtRest(world) ? [] : [...queue.messages].map(({ body }) => body));
  for (const { body, isValid } of ledger.sent) {
    if (isValid && verbatim.has(body)) yield { promise: 'nobody is refused who could join', detail: `valid: ${body}` };
    const isKept = isValid || verbatim.has(body) || waiting.has(body);
    if (!isKept) yield { promise: 'an invalid message goes verbatim', detail: body };
  }
}

function* rests({ ledger }: QueueWorld): Generator<Breach> {
  for (const { wish } of ledger.rests) {
    const { requestId, groupId, userIds, groupName } = wish;
    const sent = ledger.sentAs(requestId);
    const fits =
      sent?.groupId === groupId &&
      userIds.length < sent.userIds.length &&
      userIds.every((userId) => sent.userIds.includes(userId)) &&
      (groupName === undefined || groupName === sent.groupName);
    if (!fits) yield { promise: 'a rest is smaller', detail: JSON.stringify(wish).slice(0, 200) };
  }
}
