import type { Sleep } from '../clock.ts';
import { type Blame, JoinError, notSent } from '../errors.ts';
import type { CallEnd, CallOptions } from '../rongcloud/call.ts';
import type { RongCloudClient } from '../rongcloud/client.ts';
import { toForm } from '../rongcloud/form.ts';
import type { MakeCall, WantedCall } from './settle.ts';

/** A failure that would meet the calls after it as well. */
const STOPS_ALL: ReadonlySet<Blame> = new Set(['service', 'time', 'bug']);

/** What the calls of a request need of a client. */
export type RequestClient = Pick<RongCloudClient, 'callWithRetries' | 'newCall' | 'isWary'>;

interface Waiting {
  wanted: WantedCall;
  answer: (end: CallEnd) => void;
}

/** How a call with the request's users went that was made before anybody was narrowed down. */
export interface FirstEnd {
  userIds: readonly string[];
  end: CallEnd;
}

/**
 * Makes the calls of one request, one after another: the first calls with retries, then the narrowing ones with one
 * attempt each, the smallest first. A refusal for rate or a domain's failure ends the narrowing.
 */
export class RequestCalls {
  readonly #client: RequestClient;
  readonly #options: CallOptions;
  readonly #sleep: Sleep;
  readonly #first: Waiting[] = [];
  readonly #narrowing: Waiting[] = [];
  readonly #firstEnds: FirstEnd[] = [];
  /** How many sendings are left. First calls are made nevertheless. */
  #left: number;
  #mayNarrow: boolean;
  #stoppedBy: JoinError | undefined;
  #isMakingCalls = false;
  #nameFailure: JoinError | undefined;
  #mayHaveName = false;

  constructor(client: RequestClient, sleep: Sleep, options: CallOptions, maxSendings: number) {
    this.#client = client;
    this.#sleep = sleep;
    this.#options = options;
    this.#left = maxSendings;
    this.#mayNarrow = !client.isWary;
  }

  /** The first calls in order. One that was made again without a name is there twice. */
  get firstEnds(): readonly FirstEnd[] {
    return this.#firstEnds;
  }

  /** How the last call with a name failed, if one was made and did. */
  get nameFailure(): JoinError | undefined {
    return this.#nameFailure;
  }

  /** Whether a call with a name failed that may have given it. */
  get mayHaveName(): boolean {
    return this.#mayHaveName;
  }

  readonly makeCall: MakeCall = (wanted) =>
    new Promise((answer) => {
      (wanted.kind === 'first' ? this.#first : this.#narrowing).push({ wanted, answer });
      if (this.#isMakingCalls) return;
      this.#isMakingCalls = true;
      void this.#makeCalls();
    });

  async #makeCalls(): Promise<void> {
    for (let next = this.#next(); next; next = this.#next()) {
      const end = await this.#makeNow(next.wanted);
      next.answer(end);
      // Whoever waited for this answer says first what else has to be called.
      if (end.kind === 'failed' || next.wanted.kind === 'narrowing') await this.#sleep(0);
    }
    this.#isMakingCalls = false;
  }

  #next(): Waiting | undefined {
    if (this.#first.length > 0) return this.#first.shift();
    const smallest = Math.min(...this.#narrowing.map(({ wanted }) => wanted.userIds.length));
    const index = this.#narrowing.findIndex(({ wanted }) => wanted.userIds.length === smallest);
    const [next] = this.#narrowing.splice(index, 1);
    return next;
  }

  async #makeNow(wanted: WantedCall): Promise<CallEnd> {
    const why = this.#stoppedBy ?? wanted.unwanted();
    const end: CallEnd = why ? { kind: 'not_started', why } : await this.#send(wanted);
    if (wanted.kind === 'first') this.#firstEnds.push({ userIds: wanted.userIds, end });
    if (wanted.groupName !== undefined && end.kind === 'failed') {
      this.#nameFailure = end.error;
      this.#mayHaveName ||= end.error.outcome === 'unknown';
    }
    const error = end.kind === 'failed' ? end.error : end.kind === 'not_started' ? end.why : undefined;
    if (error && STOPS_ALL.has(error.blames)) this.#stoppedBy ??= notSent(error);
    if (error && error.blames !== 'users' && error.blames !== 'group') this.#mayNarrow = false;
    return end;
  }

  async #send(wanted: WantedCall): Promise<CallEnd> {
    const form = toForm(wanted);
    if (wanted.kind === 'first') {
      const { sendings, ...end } = await this.#client.callWithRetries(form, this.#options);
      this.#left -= sendings;
      return end;
    }
    const call = this.#client.newCall(form, this.#options);
    let mayRepeat = this.#mayNarrow;
    while (mayRepeat && this.#left > 0) {
      const end = await call.send();
      if (end.kind === 'not_started') return call.over(end.why);
      this.#left -= 1;
      mayRepeat = call.metDeadConnection || (await call.hasNewSecret());
    }
    return call.over(new JoinError('UNDECIDED'));
  }
}
