import type { StoredMessage } from './sqs-message.ts';

/** A sender is noisy with so many messages in flight, if they are over this part of all that are in flight. */
const NOISY_IN_FLIGHT = 30;
const NOISY_SHARE = 0.1;

interface Waiting {
  message: StoredMessage;
  /** Its place in the order of arrival. */
  arrival: number;
}

/**
 * Messages in the order in which a fair queue hands them out: those of quiet senders first, by arrival; then those of
 * the noisy sender with the fewest messages in flight. A sender is a MessageGroupId. A message without one is a
 * sender of its own, so it is never noisy. AWS describes this under "How Amazon SQS fair queues work":
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
 *
 * Two things that AWS describes are left out: senders that are noisy for the time that their messages take, and the
 * five minutes after which a sender that sends no more is quiet again.
 */
export class FairOrder {
  readonly #lanes = new Map<string | undefined, Waiting[]>();
  #arrivals = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(message: StoredMessage): void {
    const waiting = { message, arrival: this.#arrivals++ };
    const lane = this.#lanes.get(message.groupId);
    if (lane) lane.push(waiting);
    else this.#lanes.set(message.groupId, [waiting]);
    this.#size += 1;
  }

  /** Takes the next message. `inFlight` has the messages in flight, by sender. */
  next(inFlight: ReadonlyMap<string | undefined, number>): StoredMessage | undefined {
    const total = [...inFlight.values()].reduce((sum, count) => sum + count, 0);
    const ranked = [...this.#lanes].map(([groupId, lane]) => {
      const count = groupId === undefined ? 0 : (inFlight.get(groupId) ?? 0);
      const noise = count >= NOISY_IN_FLIGHT && count > NOISY_SHARE * total ? count : 0;
      return { groupId, lane, noise, arrival: lane[0]?.arrival ?? 0 };
    });
    const [first] = ranked.sort((a, b) => a.noise - b.noise || a.arrival - b.arrival);
    if (!first) return undefined;
    const waiting = first.lane.shift();
    if (first.lane.length === 0) this.#lanes.delete(first.groupId);
    this.#size -= 1;
    return waiting?.message;
  }

  /** Takes one message out of its turn. */
  remove(messageId: string): StoredMessage | undefined {
    for (const [groupId, lane] of this.#lanes) {
      const index = lane.findIndex(({ message }) => message.messageId === messageId);
      const [waiting] = index < 0 ? [] : lane.splice(index, 1);
      if (!waiting) continue;
      if (lane.length === 0) this.#lanes.delete(groupId);
      this.#size -= 1;
      return waiting.message;
    }
    return undefined;
  }

  /** All messages, in no order. */
  messages(): StoredMessage[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.map(({ message }) => message));
  }
}
