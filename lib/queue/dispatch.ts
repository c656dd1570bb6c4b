import { REQUEST_MS } from '../aws/client.ts';
import type { OutgoingMessage, Send } from '../aws/sqs.ts';
import type { JoinError } from '../errors.ts';
import { type DeadLetter, type QueuedJoin, toDeadLetter } from './message.ts';
import type { SentLetters } from './sent-letters.ts';
import type { RefusedPart } from './verdict.ts';

/** All that has to be sent for a message before it may leave the queue. */
export interface Parcel {
  messageId: string;
  /** The message itself, where it is a valid request. */
  join?: QueuedJoin;
  /** Whether the message stays on the queue, whatever is sent. */
  stays: boolean;
  letters: readonly { letter: DeadLetter; part?: RefusedPart }[];
  /** A smaller message that takes its place. */
  rest?: OutgoingMessage | undefined;
}

/** What became of some parcels. */
export interface Dispatched {
  /** What the dead-letter queue took. */
  deadLettered: readonly DeadLetter[];
  /** How many messages went back to the queue with fewer users. */
  requeued: number;
  /** Ids of the messages that stay, since something was not taken. */
  kept: ReadonlySet<string>;
  /** Why something was not taken. */
  error: JoinError | undefined;
}

export interface DispatchDeps {
  sendDeadLetters: Send;
  /** Sends to the queue that the batch comes from. */
  sendBack: Send;
  sentLetters: SentLetters;
}

/** Letters have half of the time where a rest waits for them. */
const LETTERS_FIRST_MS = REQUEST_MS / 2;

/**
 * Sends what remains of messages. A rest goes out only once all letters of its message were taken: otherwise the message
 * stays whole, and a rest beside it would be one message more than there was.
 */
export async function dispatch(parcels: readonly Parcel[], deps: DispatchDeps): Promise<Dispatched> {
  const { sendDeadLetters, sendBack, sentLetters } = deps;
  const deadLettered: DeadLetter[] = [];
  const kept = new Set<string>();
  let requeued = 0;
  let error: JoinError | undefined;

  const withLetters = parcels.filter(({ letters }) => letters.length > 0);
  await Promise.all([
    sendLetters(
      withLetters.filter(({ rest }) => rest),
      LETTERS_FIRST_MS,
    ).then((all) =>
      sendRests(
        all.filter(({ messageId }) => !kept.has(messageId)),
        REQUEST_MS - LETTERS_FIRST_MS,
      ),
    ),
    sendLetters(
      withLetters.filter(({ rest }) => !rest),
      REQUEST_MS,
    ),
    sendRests(
      parcels.filter(({ letters }) => letters.length === 0),
      REQUEST_MS,
    ),
  ]);
  return { deadLettered, requeued, kept, error };

  async function sendLetters(some: readonly Parcel[], limitMs: number): Promise<readonly Parcel[]> {
    const all = some.flatMap(({ letters, ...parcel }) => letters.map((one) => ({ ...parcel, ...one })));
    const sent = await sendDeadLetters(
      all.map(({ letter }) => toDeadLetter(letter)),
      limitMs,
    );
    error ??= sent.error;
    for (const [i, { messageId, letter }] of all.entries()) {
      if (sent.ends[i] === 'taken') deadLettered.push(letter);
      else kept.add(messageId);
    }
    // Only of messages that come back it matters which letters they have.
    for (const [i, { messageId, join, stays, part }] of all.entries()) {
      const comesBack = stays || kept.has(messageId);
      if (join && part && sent.ends[i] === 'taken' && comesBack) sentLetters.taken(join, part);
    }
    return some;
  }

  async function sendRests(some: readonly Parcel[], limitMs: number): Promise<void> {
    const all = some.flatMap((parcel) => (parcel.rest ? [{ ...parcel, rest: parcel.rest }] : []));
    const sent = await sendBack(
      all.map(({ rest }) => rest),
      limitMs,
    );
    error ??= sent.error;
    for (const [i, { messageId, join, letters }] of all.entries()) {
      if (sent.ends[i] === 'taken') {
        requeued += 1;
        continue;
      }
      kept.add(messageId);
      if (!join) continue;
      for (const { part } of letters) if (part) sentLetters.taken(join, part);
      if (sent.ends[i] === 'unanswered') sentLetters.unanswered(join);
    }
  }
}
