import { JoinError } from '../../lib/errors.ts';
import type { UpstreamAnswer } from '../../lib/rongcloud/return-codes.ts';
import type { Transport, UpstreamRequest } from '../../lib/rongcloud/transport.ts';
import { ImApp } from '../../sandbox/rongcloud/app.ts';
import { RateWindow } from '../../sandbox/rongcloud/rate-window.ts';
import type { SeededRandom } from '../../tools/sim/seeded-random.ts';
import type { SimulatedTime } from '../../tools/sim/simulated-time.ts';

export const APP = { appKey: 'surge-key', appSecret: 'surge-secret' };

const CALLS_PER_SECOND = 100;
/** Medians; one in a hundred takes three times as long. A network without jitter would let paced calls meet the limit in step. */
const NETWORK_MS = 10;
const ANSWER_MS = 50;
const SIGMA = 0.5;

/** What RongCloud's rate limit may count. The vendor does not say whether refused calls are among it. */
export const LIMITERS = ['calls it takes', 'all calls'] as const;

/** `nothing` is no limit at all. */
export type Limiter = (typeof LIMITERS)[number] | 'nothing';

export interface RongCloudOptions {
  time: SimulatedTime;
  random: SeededRandom;
  limiter: Limiter;
  /** From when until when no call is carried out or answered, on either domain. */
  hang: { from: number; to: number } | undefined;
}

/** A call as it arrived, by the door that made it. */
export interface Call {
  at: number;
  door: string;
  refused: boolean;
}

/** Stands in for RongCloud behind the Transport interface: a rate limit, answer times and a hang around the stand-in app. */
export class RongCloud {
  readonly calls: Call[] = [];
  /** When a user got into a group, by `groupId/userId`. */
  readonly joinedAt = new Map<string, number>();
  readonly #options: RongCloudOptions;
  readonly #app: ImApp;
  readonly #rate: RateWindow;

  constructor(options: RongCloudOptions) {
    this.#options = options;
    this.#app = new ImApp({ ...APP, callsPerSecond: Number.POSITIVE_INFINITY, now: options.time.now });
    const { limiter } = options;
    this.#rate = new RateWindow(
      limiter === 'nothing' ? Number.POSITIVE_INFINITY : CALLS_PER_SECOND,
      limiter === 'all calls',
    );
  }

  /** What one door's environments call it through. */
  transport(door: string): Transport {
    return { post: (request) => this.#post(request, door), close: () => undefined };
  }

  async #post({ url, headers, body, timeoutMs }: UpstreamRequest, door: string): Promise<UpstreamAnswer | JoinError> {
    const { time, random, hang } = this.#options;
    const networkMs = random.logNormal(NETWORK_MS, SIGMA);
    await time.sleep(networkMs);
    const at = time.now();
    const refused = !this.#rate.take(at);
    this.calls.push({ at, door, refused });
    const hangs = hang !== undefined && at >= hang.from && at < hang.to;
    const answerMs = random.logNormal(refused ? NETWORK_MS : ANSWER_MS, SIGMA);
    const leftMs = timeoutMs - networkMs;
    // What is answered too late has been carried out all the same.
    const code = hangs ? undefined : refused ? 1008 : this.#carryOut(url.pathname, headers, body);
    if (code === undefined || answerMs >= leftMs) {
      await time.sleep(leftMs);
      return new JoinError('UPSTREAM_TIMEOUT');
    }
    await time.sleep(answerMs);
    return { status: code === 200 ? 200 : code === 1008 ? 429 : 400, body: JSON.stringify({ code }), complete: true };
  }

  #carryOut(path: string, sent: Record<string, string>, body: string): number {
    const headers = Object.fromEntries(Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value]));
    const form = new URLSearchParams(body);
    const { code } = this.#app.call({ method: 'POST', path, headers, form, bytes: Buffer.byteLength(body) });
    if (code !== 200) return code;
    for (const userId of form.getAll('userId')) {
      const key = `${form.get('groupId')}/${userId}`;
      if (!this.joinedAt.has(key)) this.joinedAt.set(key, this.#options.time.now());
    }
    return code;
  }
}
