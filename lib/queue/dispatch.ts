import { REQUEST_MS } from '../aws/client.ts';
import type { OutgoingMessage, Send } from '../aws/sqs.ts';
import type { JoinError } from '../errors.ts';
import type { SentLetters } from './half-sent.ts';
import { type DeadLetter, type QueuedJoin, toDeadLetter } from './message.ts';
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
  unsent: ReadonlySet<string>;
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
  const dispatching = new Dispatching(deps);
  const lettersFirst = parcels.filter(({ letters, rest }) => letters.length > 0 && rest);
  const lettersOnly = parcels.filter(({ letters, rest }) => letters.length > 0 && !rest);
  const restsOnly = parcels.filter(({ letters }) => letters.length === 0);
  await Promise.all([
    dispatching.sendBoth(lettersFirst),
    dispatching.sendLetters(lettersOnly, REQUEST_MS),
    dispatching.sendRests(restsOnly, REQUEST_MS),
  ]);
  return dispatching;
}

class Dispatching implements Dispatched {
  readonly deadLettered: DeadLetter[] = [];
  readonly unsent = new Set<string>();
  requeued = 0;
  error: JoinError | undefined;
  readonly #deps: DispatchDeps;

  constructor(deps: DispatchDeps) {
    this.#deps = deps;
  }

  /** Sends the letters of messages, and then the rests of those whose letters were all taken. */
  async sendBoth(parcels: readonly Parcel[]): Promise<void> {
    await this.sendLetters(parcels, LETTERS_FIRST_MS);
    const sent = parcels.filter(({ messageId }) => !this.unsent.has(messageId));
    await this.sendRests(sent, REQUEST_MS - LETTERS_FIRST_MS);
  }

  async sendLetters(parcels: readonly Parcel[], limitMs: number): Promise<void> {
    const { sendDeadLetters, sentLetters } = this.#deps;
    const letters = parcels.flatMap((parcel) => parcel.letters.map((letter) => ({ ...parcel, ...letter })));
    const { ends, error } = await sendDeadLetters(
      letters.map(({ letter }) => toDeadLetter(letter)),
      limitMs,
    );
    this.error ??= error;
    for (const [i, { messageId, letter }] of letters.entries()) {
      if (ends[i] === 'taken') this.deadLettered.push(letter);
      else this.unsent.add(messageId);
    }
    // Only of messages that come back it matters which letters they have.
    for (const [i, { messageId, join, stays, part }] of letters.entries()) {
      const comesBack = stays || this.unsent.has(messageId);
      if (join && part && ends[i] === 'taken' && comesBack) sentLetters.taken(join, part);
    }
  }

  async sendRests(parcels: readonly Parcel[], limitMs: number): Promise<void> {
    const { sendBack, sentLetters } = this.#deps;
    const rests = parcels.flatMap((parcel) => (parcel.rest ? [{ ...parcel, rest: parcel.rest }] : []));
    const { ends, error } = await sendBack(
      rests.map(({ rest }) => rest),
      limitMs,
    );
    this.error ??= error;
    for (const [i, { messageId, join, letters }] of rests.entries()) {
      if (ends[i] === 'taken') {
        this.requeued += 1;
        continue;
      }
      this.unsent.add(messageId);
      if (!join) continue;
      for (const { part } of letters) if (part) sentLetters.taken(join, part);
      if (ends[i] === 'unanswered') sentLetters.unanswered(join);
    }
  }
}
