/** What becomes of a message, and sending what remains of it: its letters, and a smaller message. */

import { REQUEST_MS } from '../aws/client.ts';
import type { Send } from '../aws/sqs.ts';
import type { JoinError, JoinErrorCode } from '../errors.ts';
import type { JoinRequest } from '../join/join-request.ts';
import type { Fates } from '../join/settle.ts';
import type { HalfSent } from './half-sent.ts';
import {
  type DeadLetter,
  messageBody,
  type QueuedJoin,
  type RefusedPart,
  type SentLetter,
  toDeadLetter,
  toRest,
} from './message.ts';

/** What became of a message, and what has to be sent before it may leave the queue. */
export interface Verdict {
  message: QueuedJoin;
  joined: number;
  refused: number;
  undecided: number;
  /** Why the first refused user, or the name, was refused. */
  code: JoinErrorCode | undefined;
  /** Whether it stays on the queue as it is, whatever is sent. */
  stays: boolean;
  /** Each goes to the dead-letter queue as a letter of its own. */
  refusedParts: readonly RefusedPart[];
  /** The smaller message that takes its place, if a part of it is left to do. */
  rest: JoinRequest | undefined;
}

/** Tells the joined, the refused and the undecided users of a message apart. One that may not be split stays whole. */
export function verdictOn(message: QueuedJoin, fates: Fates<QueuedJoin>, maySplit: boolean): Verdict {
  const { groupId, userIds, groupName } = message.request;
  const joined: string[] = [];
  const refused: string[] = [];
  const undecided: string[] = [];
  let error: JoinError | undefined;
  for (const userId of userIds) {
    const fate = fates.fateOf(userId);
    if (fate === 'joined') joined.push(userId);
    // A sending may have joined the user, so that the next delivery asks again.
    else if (fate === undefined || fate.outcome === 'unknown') undecided.push(userId);
    else {
      refused.push(userId);
      error ??= fate;
    }
  }
  const refusedParts: RefusedPart[] = [];
  if (error) {
    refusedParts.push({ request: { groupId, userIds: refused }, code: error.code, failedCount: refused.length });
  }
  const refusedName = fates.refusedNames.get(message);
  if (refusedName && groupName !== undefined) {
    // Its users join again when the letter is put back, so that one who can is best.
    const carrier = joined.length > 0 ? joined : userIds;
    const request = { groupId, userIds: carrier.slice(0, 1), groupName };
    refusedParts.push({ request, code: refusedName.code, failedCount: 0 });
  }

  const name = groupName !== undefined && isNameOpen(message, fates, refusedName) ? { groupName } : {};
  // A name that is still to be given goes with a user who may join once more without harm.
  const left = undecided.length > 0 || name.groupName === undefined ? undecided : joined.slice(0, 1);
  const stays = left.length === userIds.length || (left.length > 0 && !maySplit);
  return {
    message,
    joined: joined.length,
    refused: refused.length,
    undecided: undecided.length,
    code: (error ?? refusedName)?.code,
    stays,
    refusedParts,
    rest: left.length > 0 && !stays ? { groupId, userIds: left, ...name } : undefined,
  };
}

/** Whether a message's name is neither refused nor given, nor older than one that was given. */
function isNameOpen(message: QueuedJoin, { namedBy }: Fates<QueuedJoin>, refusal: JoinError | undefined): boolean {
  return refusal === undefined && (namedBy === undefined || namedBy.sentAt < message.sentAt);
}

/** What was sent because of verdicts. */
export interface CarriedOut {
  /** What the dead-letter queue took. */
  deadLettered: readonly SentLetter[];
  /** How many messages went back to the queue with fewer users. */
  requeued: number;
  /** Ids of the messages that stay, since something was not taken. */
  unsent: ReadonlySet<string>;
  /** Why something was not taken. */
  error: JoinError | undefined;
}

export interface VerdictDeps {
  sendDeadLetters: Send;
  /** Sends to the queue that the batch comes from. */
  sendBack: Send;
  halfSent: HalfSent;
  /** From 0 up to 1. */
  random: () => number;
}

/** Letters have half of the time where a rest waits for them. */
const LETTERS_FIRST_MS = REQUEST_MS / 2;

/**
 * Sends the dead letters and the rests that verdicts want, and the dead letters of messages that hold no valid request. A
 * rest goes out only once all letters of its message were taken: otherwise the message stays whole, and a rest beside it
 * would be one message more than there was.
 */
export async function carryOut(
  verdicts: readonly Verdict[],
  invalid: readonly DeadLetter[],
  deps: VerdictDeps,
): Promise<CarriedOut> {
  const carryingOut = new CarryingOut(deps);
  const lettersFirst = verdicts.filter(({ refusedParts, rest }) => refusedParts.length > 0 && rest);
  const lettersOnly = verdicts.filter(({ rest }) => !rest);
  const restsOnly = verdicts.filter(({ refusedParts }) => refusedParts.length === 0);
  await Promise.all([
    carryingOut.sendBoth(lettersFirst),
    carryingOut.sendLetters([...invalid.map((letter) => ({ letter })), ...lettersOnly.flatMap(toLetters)], REQUEST_MS),
    carryingOut.sendRests(restsOnly, REQUEST_MS),
  ]);
  return carryingOut;
}

interface Letter {
  letter: DeadLetter;
  /** What it is about, unless its message is no valid request. */
  about?: { verdict: Verdict; part: RefusedPart };
}

function toLetters(verdict: Verdict): Letter[] {
  const { messageId, requestId } = verdict.message;
  return verdict.refusedParts.map((part) => {
    const { request, code, failedCount } = part;
    const letter = { messageId, requestId, body: messageBody(request, requestId), code, failedCount };
    return { letter, about: { verdict, part } };
  });
}

class CarryingOut implements CarriedOut {
  readonly deadLettered: SentLetter[] = [];
  readonly unsent = new Set<string>();
  requeued = 0;
  error: JoinError | undefined;
  readonly #deps: VerdictDeps;

  constructor(deps: VerdictDeps) {
    this.#deps = deps;
  }

  /** Sends the letters of messages, and then the rests of those whose letters were all taken. */
  async sendBoth(verdicts: readonly Verdict[]): Promise<void> {
    await this.sendLetters(verdicts.flatMap(toLetters), LETTERS_FIRST_MS);
    const lettersTaken = verdicts.filter(({ message }) => !this.unsent.has(message.messageId));
    await this.sendRests(lettersTaken, REQUEST_MS - LETTERS_FIRST_MS);
  }

  async sendLetters(letters: readonly Letter[], limitMs: number): Promise<void> {
    const { sendDeadLetters, halfSent } = this.#deps;
    const outgoing = letters.map(({ letter }) => toDeadLetter(letter));
    const { ends, error } = await sendDeadLetters(outgoing, limitMs);
    this.error ??= error;
    for (const [i, { letter }] of letters.entries()) {
      const { body: _, ...sent } = letter;
      if (ends[i] === 'taken') this.deadLettered.push(sent);
      else this.unsent.add(letter.messageId);
    }
    // Only of messages that come back it matters which letters they have.
    for (const [i, { letter, about }] of letters.entries()) {
      const comesBack = about?.verdict.stays || this.unsent.has(letter.messageId);
      if (about && comesBack && ends[i] === 'taken') halfSent.taken(about.verdict.message, about.part);
    }
  }

  async sendRests(verdicts: readonly Verdict[], limitMs: number): Promise<void> {
    const { sendBack, halfSent, random } = this.#deps;
    const rests = verdicts.flatMap(({ rest, ...verdict }) => (rest ? [{ ...verdict, rest }] : []));
    const { ends, error } = await sendBack(
      rests.map(({ message, rest }) => toRest(message, rest, random)),
      limitMs,
    );
    this.error ??= error;
    for (const [i, { message, refusedParts }] of rests.entries()) {
      if (ends[i] === 'taken') {
        this.requeued += 1;
        continue;
      }
      this.unsent.add(message.messageId);
      for (const part of refusedParts) halfSent.taken(message, part);
      if (ends[i] === 'unanswered') halfSent.unanswered(message);
    }
  }
}
