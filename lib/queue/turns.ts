import { JoinError, notSent } from '../errors.ts';
import { mayBeForItsContent } from '../rongcloud/return-codes.ts';
import type { Pacer } from './pacer.ts';

/**
 * So many failures in a row that may be for what the calls held, with nobody joined in between, are an outage: no more
 * narrowing then.
 */
const OUTAGE = 8;
/**
 * From so many on it may be one. Calls then go one at a time and the smallest narrowing one first, to find somebody who
 * can join: the next first call may hold the same user as those that failed.
 */
const DOUBT = 3;
/** So many calls may start after RongCloud's last yes or no. */
const MAX_UNDECIDED = 20;

/** A call that wants to start. */
export interface Turn {
  /** First calls go before narrowing ones. */
  kind: 'first' | 'narrowing';
  groupId: string;
  users: number;
  /** Why the call is no longer needed, asked when its turn comes. */
  unwanted: () => JoinError | undefined;
}

/** Says which call of a batch starts next, and when there is no point in any more. */
export interface Turns {
  /** Waits until a sending may start. Otherwise gives a failure with the outcome not_sent that says why it may not. */
  wait(turn: Turn): Promise<JoinError | undefined>;
  /** Told how each sending that started has ended. */
  ended(error: JoinError | undefined): void;
  /** Lets no more sendings start. */
  stop(reason: JoinError): void;
  /** What ended the batch before its time, if anything did. */
  stoppedBy(): JoinError | undefined;
  /** Whether it may be an outage. */
  inDoubt(): boolean;
}

interface Waiting extends Turn {
  answer: (error: JoinError | undefined) => void;
}

export interface TurnsOptions {
  pacer: Pacer;
  /** When the last sending may start, in milliseconds since 1970. */
  lastStart: number;
}

/** The turns of one batch. Each takes a slot of the pacer; groups take turns at narrowing. */
export function createTurns({ pacer, lastStart }: TurnsOptions): Turns {
  const first: Waiting[] = [];
  const narrowing = new Map<string, Waiting[]>();
  let stoppedBy: JoinError | undefined;
  let lastFailure: JoinError | undefined;
  /** Failures in a row that may be for what the calls held. */
  let suspicious = 0;
  /** Sendings that started after the last yes or no. */
  let undecided = 0;
  let inFlight = 0;
  let serving = false;
  let wake = (): void => {};

  async function serve(): Promise<void> {
    while (first.length > 0 || narrowing.size > 0) {
      if (!stoppedBy && inFlight > 0 && (suspicious >= DOUBT || undecided >= MAX_UNDECIDED)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if (undecided >= MAX_UNDECIDED) stoppedBy ??= lastFailure;
      const given = !stoppedBy && (await pacer.slot((at) => !stoppedBy && at <= lastStart));
      if (!given) stoppedBy ??= new JoinError('DEADLINE_EXCEEDED');
      start();
    }
    serving = false;
  }

  /** Starts the next call that is wanted, and turns away those before it that are not. */
  function start(): void {
    for (let next = nextWaiting(); next; next = nextWaiting()) {
      const outage = next.kind === 'narrowing' && suspicious >= OUTAGE ? lastFailure : undefined;
      const refusal = stoppedBy ?? next.unwanted() ?? outage;
      next.answer(refusal && notSent(refusal));
      if (refusal) continue;
      inFlight += 1;
      undecided += 1;
      return;
    }
  }

  function nextWaiting(): Waiting | undefined {
    const isProbing = suspicious >= DOUBT && suspicious < OUTAGE;
    return isProbing ? (nextNarrowing() ?? first.shift()) : (first.shift() ?? nextNarrowing());
  }

  /**
   * The smallest call of the group whose turn it is, so that each batch decides about somebody; in doubt, the smallest
   * of all.
   */
  function nextNarrowing(): Waiting | undefined {
    const [turn] = suspicious >= DOUBT ? [...narrowing].sort(([, a], [, b]) => smallest(a) - smallest(b)) : narrowing;
    if (!turn) return undefined;
    const [groupId, calls] = turn;
    narrowing.delete(groupId);
    const size = smallest(calls);
    const index = calls.findIndex(({ users }) => users === size);
    const [next] = calls.splice(index, 1);
    if (calls.length > 0) narrowing.set(groupId, calls);
    return next;
  }

  return {
    wait(turn) {
      return new Promise((answer) => {
        const waiting = { ...turn, answer };
        if (turn.kind === 'first') first.push(waiting);
        else narrowing.set(turn.groupId, [...(narrowing.get(turn.groupId) ?? []), waiting]);
        if (serving) return;
        serving = true;
        void serve();
      });
    },
    ended(error) {
      inFlight -= 1;
      if (!error || error.blames === 'users' || error.blames === 'group') undecided = 0;
      if (!error) suspicious = 0;
      else {
        lastFailure = error;
        if (error.blames === 'rate') pacer.refused();
        if (mayBeForItsContent(error)) suspicious += 1;
      }
      wake();
    },
    stop(reason) {
      stoppedBy ??= reason;
      wake();
    },
    stoppedBy: () => stoppedBy,
    inDoubt: () => suspicious >= DOUBT,
  };
}

function smallest(calls: readonly Waiting[]): number {
  return Math.min(...calls.map(({ users }) => users));
}
