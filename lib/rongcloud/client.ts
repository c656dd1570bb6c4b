import { JoinError } from '../errors.ts';
import {
  Call,
  type CallDeps,
  type CallEnd,
  type CallLimits,
  type CallOptions,
  credentialsInTime,
  lastStartOf,
} from './call.ts';
import type { ApiUrls } from './data-centers.ts';
import { Domains } from './domains.ts';
import { Outage } from './outage.ts';
import { planRetry, type Retry, RetryBudget } from './retry.ts';

/** RongCloud's own threshold for calling a domain dead (the vendor's page "API Domains"). */
const ANSWER_TIMEOUT_MS = 5000;
const MAX_ATTEMPTS = 3;
const JOIN_PATH = '/group/join.json';

export interface ClientOptions extends Pick<CallDeps, 'transport' | 'clock' | 'sleep' | 'randomUUID' | 'credentials'> {
  urls: ApiUrls;
  /** From 0 up to 1. */
  random: () => number;
  answerTimeoutMs?: number;
  observe?: (event: ClientEvent) => void;
}

/** What a client does besides its calls. */
export type ClientEvent = 'domainSwitch' | 'retryBudgetExhausted';

/** A client of one app. Its calls share what it knows of RongCloud's domains, and its budget of retries. */
export class RongCloudClient {
  readonly #options: ClientOptions;
  readonly #deps: CallDeps;
  readonly #budget = new RetryBudget();

  constructor(options: ClientOptions) {
    const { urls, observe, clock, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
    this.#options = options;
    this.#deps = {
      ...options,
      answerTimeoutMs,
      domains: new Domains(urls),
      outage: new Outage(clock),
      onSwitch: () => observe?.('domainSwitch'),
    };
  }

  /** Whether the last call failed on every domain that it tried, not long ago. */
  get isWary(): boolean {
    return this.#deps.outage.isWary;
  }

  /** Whether RongCloud refused a call in the last 2 seconds because there are too many. */
  get isRateLimited(): boolean {
    return this.#deps.outage.isRateLimited;
  }

  /** Waits until the app's credentials are at hand. Gives why they are not. Never throws. */
  async ready(limits: CallLimits): Promise<JoinError | undefined> {
    const app = await credentialsInTime(limits, this.#deps);
    return app instanceof JoinError ? app : undefined;
  }

  /** A `/group/join.json` call with a form of `toForm`. Nothing is sent until its `send` is called. */
  newCall(form: string, options: CallOptions): Call {
    return new Call(this.#deps, JOIN_PATH, form, options);
  }

  /**
   * Makes a `/group/join.json` call with a form of `toForm`, on the other domain too if one fails, in at most 3 attempts.
   * A failure is that of the attempt whose outcome is least certain. Never throws.
   */
  async callWithRetries(form: string, options: CallOptions): Promise<CallEnd & { sendings: number }> {
    const call = this.newCall(form, options);
    const end = await this.#finish(call, options);
    return { ...end, sendings: call.sendings };
  }

  /** Sends a call until it is clear what became of it, or until there is no point in it any more. */
  async #finish(call: Call, options: CallOptions): Promise<CallEnd> {
    for (;;) {
      let end = await call.send();
      if (call.metDeadConnection) end = await call.send();
      if (end.kind === 'joined') {
        if (call.failed.length === 0) this.#budget.refill();
        return call.over();
      }
      if (end.kind === 'not_started') return call.over(end.why);
      if (call.failed.length < MAX_ATTEMPTS && (await call.hasNewSecret())) {
        call.nextAttempt();
        continue;
      }
      const retry = this.#nextRetry(call, options);
      if (!retry) return call.over();
      await this.#options.sleep(retry.delayMs);
      call.nextAttempt(retry.domainIndex);
    }
  }

  /** Where and when to try again, if there is time for it and the budget allows. */
  #nextRetry({ failed, isWary }: Call, options: CallOptions): Retry | undefined {
    const { clock, random, observe } = this.#options;
    const last = failed.at(-1);
    if (!last || isWary || failed.length >= MAX_ATTEMPTS) return undefined;
    const retry = planRetry(failed, this.#deps.domains.count, random);
    if (!retry || clock.steady() + retry.delayMs > lastStartOf(options)) return undefined;
    if (this.#budget.take(last.error)) return retry;
    observe?.('retryBudgetExhausted');
    return undefined;
  }
}
