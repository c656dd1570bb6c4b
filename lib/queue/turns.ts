import { JoinError } from '../errors.ts';
import type { WantedCall } from '../join/settle.ts';
import type { CallEnd } from '../rongcloud/call.ts';
import { isUnexplained } from '../rongcloud/return-codes.ts';
import type { Pacer } from './pacer.ts';

/** So many unexplained failures in a row, with nobody joined in between, are an outage: no more narrowing then. */
const OUTAGE = 8;
/**
 * From so many on it may be one. Calls then go one at a time and the smallest narrowing one first, to find somebody who
 * can join: the next first call may hold the same user as those that failed.
 */
const DOUBT = 3;
/** The most sendings that may start after RongCloud's last clear answer. */
const MAX_SINCE_CLEAR_ANSWER = 20;

/** A call that waits for its turn. `answer` lets it start, or says why it may not. */
interface Waiting {
  wanted: WantedCall;
  answer: (whyNot: JoinError | undefined) => void;
}

export interface TurnsOptions {
  pacer: Pacer;
  /** When the last sending may start, by the steady clock. */
  lastStart: number;
  /** Waits until a sending could go out at once, or says why none can. */
  ready: () => Promise<JoinError | undefined>;
}

/**
 * Says which call of a batch starts next, and when there is no point in any more. Each turn takes a slot of the pacer;
 * groups take turns at narrowing.
 */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #first: Waiting[] = [];
  readonly #narrowing = new Map<string, Waiting[]>();
  #stoppedBy: JoinError | undefined;
  #lastFailure: JoinError | undefined;
  #unexplainedInARow = 0;
  /** Sendings that started after RongCloud's last clear answer. */
  #sinceClearAnswer = 0;
  #inFlight = 0;
  #isGivingTurns = false;
  #wake = (): void => {};

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** What ended the batch before its time, if anything did. */
  get stoppedBy(): JoinError | undefined {
    return this.#stoppedBy;
  }

  /** Whether it may be an outage. */
  get isInDoubt(): boolean {
    return this.#unexplainedInARow >= DOUBT;
  }

  /** Waits until a sending of this call may start. Otherwise says why it may not. */
  take(wanted: WantedCall): Promise<JoinError | undefined> {
    return new Promise((answer) => {
      const waiting = { wanted, answer };
      const { kind, groupId } = wanted;
      const others = kind === 'first' ? this.#first : this.#narrowing.get(groupId);
      if (others) others.push(waiting);
      else this.#narrowing.set(groupId, [waiting]);
      if (this.#isGivingTurns) return;
      this.#isGivingTurns = true;
      void this.#giveTurns();
    });
  }

  /** Told how the sending ended that a turn was taken for. */
  ended(end: CallEnd): void {
    const error = end.kind === 'failed' ? end.error : undefined;
    this.#inFlight -= 1;
    if (end.kind === 'joined' || error?.blames === 'users' || error?.blames === 'group') this.#sinceClearAnswer = 0;
    // The secret may have changed, which says nothing of these users: if it has not, the batch is stopped.
    if (error?.code === 'UPSTREAM_CREDENTIALS') this.#sinceClearAnswer -= 1;
    if (end.kind === 'joined') this.#unexplainedInARow = 0;
    if (error) {
      this.#lastFailure = error;
      if (error.blames === 'rate') this.#options.pacer.slowDown();
      if (isUnexplained(error)) this.#unexplainedInARow += 1;
    }
    this.#wake();
  }

  /** Lets no more sendings start. */
  stop(reason: JoinError): void {
    this.#stoppedBy ??= reason;
    this.#wake();
  }

  async #giveTurns(): Promise<void> {
    const { pacer, lastStart, ready } = this.#options;
    while (this.#first.length > 0 || this.#narrowing.size > 0) {
      const mustWait = this.isInDoubt || this.#sinceClearAnswer >= MAX_SINCE_CLEAR_ANSWER;
      if (!this.#stoppedBy && this.#inFlight > 0 && mustWait) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      if (this.#sinceClearAnswer >= MAX_SINCE_CLEAR_ANSWER) this.#stoppedBy ??= this.#lastFailure;
      // Before the slot: calls that waited for it afterwards would all start at once.
      const missing = this.#stoppedBy ? undefined : await ready();
      this.#stoppedBy ??= missing;
      const hasSlot = !this.#stoppedBy && (await pacer.slot((at) => !this.#stoppedBy && at <= lastStart));
      if (!hasSlot) this.#stoppedBy ??= new JoinError('DEADLINE_EXCEEDED');
      this.#start();
    }
    this.#isGivingTurns = false;
  }

  /** Starts the next call that is wanted, and turns away those before it that are not. */
  #start(): void {
    for (let next = this.#nextWaiting(); next; next = this.#nextWaiting()) {
      const outage =
        next.wanted.kind === 'narrowing' && this.#unexplainedInARow >= OUTAGE ? this.#lastFailure : undefined;
      const whyNot = this.#stoppedBy ?? next.wanted.unwanted() ?? outage;
      next.answer(whyNot);
      if (whyNot) continue;
      this.#inFlight += 1;
      this.#sinceClearAnswer += 1;
      return;
    }
  }

  #nextWaiting(): Waiting | undefined {
    const isProbing = this.isInDoubt && this.#unexplainedInARow < OUTAGE;
    if (isProbing) return this.#nextNarrowing() ?? this.#first.shift();
    return this.#first.shift() ?? this.#nextNarrowing();
  }

  /**
   * The smallest call of the group whose turn it is, so that each batch decides about somebody; in doubt, the smallest
   * of all.
   */
  #nextNarrowing(): Waiting | undefined {
    const groups = this.#narrowing;
    const [turn] = this.isInDoubt ? [...groups].sort(([, a], [, b]) => smallest(a) - smallest(b)) : groups;
    if (!turn) return undefined;
    const [groupId, calls] = turn;
    groups.delete(groupId);
    const size = smallest(calls);
    const index = calls.findIndex(({ wanted }) => wanted.userIds.length === size);
    const [next] = calls.splice(index, 1);
    if (calls.length > 0) groups.set(groupId, calls);
    return next;
  }
}

function smallest(calls: readonly Waiting[]): number {
  return Math.min(...calls.map(({ wanted }) => wanted.userIds.length));
}
