import { JoinError } from '../../lib/errors.ts';
import type { UpstreamAnswer } from '../../lib/rongcloud/return-codes.ts';
import { DeadConnection, type Transport, type UpstreamRequest } from '../../lib/rongcloud/transport.ts';
import { ImApp } from '../../sandbox/rongcloud/app.ts';
import type { ImCall } from '../../sandbox/rongcloud/checks.ts';
import { RateWindow } from '../../sandbox/rongcloud/rate-window.ts';
import { STATUS } from '../../sandbox/rongcloud/service.ts';
import { APP_KEY } from './secret.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedTime } from './simulated-time.ts';
import { type Trouble, troubleAt } from './trouble.ts';

/** How a user or a name is answered, whatever stands beside it: a return code, or a firewall's HTML page. */
export type ContentFault = 400 | 1002 | 1000 | 'blocked';

/**
 * What may go wrong with any call, besides its content. `dead`: the connection was closed while it was idle. All but
 * `unreachable`, `rate` and `page` may be carried out nevertheless.
 */
export type CallTrouble = 'internal' | 'error' | 'hang' | 'broken' | 'dead' | 'cut' | 'unreachable' | 'rate' | 'page';

/** The code that sends a call: its time, which may end, and what it goes by. */
export interface Caller {
  door: string;
  environment: number;
  invocation: number;
  sleep: (ms: number) => Promise<void>;
}

/** One call, from its start on. */
export interface Call extends Omit<Caller, 'sleep'> {
  at: number;
  /** When it reached RongCloud, and whether it was refused there for the rate. */
  arrivedAt: number;
  refused: boolean;
  /** Whether the users joined, told or not. */
  carriedOut: boolean;
  /** Whether the answer said so. */
  told: boolean;
  requestId: string;
  groupId: string;
  userIds: readonly string[];
  groupName: string | undefined;
}

export interface RongCloudOptions {
  time: SimulatedTime;
  random: SeededRandom;
  /** The App Secret of this moment. */
  acceptedSecret: () => string;
  /** Members that a group holds at most. */
  capacity?: number;
  /** Whether a user who is in already counts as one too many when a group is full. */
  countsMembers?: boolean;
  /** False takes any timestamp. */
  freshness?: boolean;
  userFaults: ReadonlyMap<string, ContentFault>;
  nameFaults: ReadonlyMap<string, ContentFault>;
  callsPerSecond?: number;
  /** Whether calls that were refused for their rate count too. */
  countsRefused?: boolean;
  /** How long a call takes to RongCloud, and its answer back. */
  travelMs: (random: SeededRandom) => number;
  answerMs: (random: SeededRandom, refused: boolean) => number;
  trouble?: readonly Trouble<CallTrouble>[];
  /** The share of calls that are carried out although they meet trouble. */
  carriedOut?: number;
  /** How a call ends that arrives, the first being number 1, or what goes wrong with it, as a test's script says. */
  script?: (call: Call, ordinal: number) => CallTrouble | UpstreamAnswer | JoinError | undefined;
}

/** A call with what it holds. */
interface Sent {
  call: Call;
  request: UpstreamRequest;
  form: URLSearchParams;
}

const FIREWALL_PAGE = '<html><body>403 Forbidden</body></html>';

/** RongCloud behind the Transport interface: the stand-in's app, and all that may go wrong on the way there and back. */
export class RongCloud {
  readonly calls: Call[] = [];
  readonly options: RongCloudOptions;
  readonly #app: ImApp;
  readonly #rate: RateWindow;
  readonly #capacity: number;

  constructor(options: RongCloudOptions) {
    const { capacity = 3000, countsMembers = false, freshness = true, callsPerSecond = 100 } = options;
    this.options = options;
    this.#capacity = capacity;
    this.#rate = new RateWindow(callsPerSecond, options.countsRefused);
    this.#app = new ImApp({
      appKey: APP_KEY,
      appSecret: '',
      callsPerSecond: Number.POSITIVE_INFINITY,
      groupCapacity: capacity,
      now: options.time.now,
      ...{ countsMembers, freshness },
    });
  }

  members(groupId: string): ReadonlySet<string> {
    return this.#app.groups.memberSet(groupId);
  }

  name(groupId: string): string | undefined {
    return this.#app.groups.name(groupId);
  }

  isFull(groupId: string): boolean {
    return this.members(groupId).size >= this.#capacity;
  }

  /** Fills a group with users that no message names. */
  fill(groupId: string, count: number): void {
    this.admit(
      groupId,
      Array.from({ length: count }, (_, i) => `resident ${i}`),
    );
  }

  /** Lets users in without a call. */
  admit(groupId: string, userIds: readonly string[]): void {
    this.#app.groups.join(groupId, userIds, { capacity: this.#capacity, countsMembers: false });
  }

  /** What a caller reaches it through. */
  transport(caller: () => Caller): Transport {
    return { post: (request) => this.#post(request, caller()), close: () => undefined };
  }

  async #post(request: UpstreamRequest, { sleep, ...caller }: Caller): Promise<UpstreamAnswer | JoinError> {
    const { time, random, trouble = [], travelMs, answerMs } = this.options;
    const { timeoutMs, listenMs = timeoutMs, onLateAnswer } = request;
    const form = new URLSearchParams(request.body);
    const call = newCall(caller, request, form, time.now());
    const ordinal = this.calls.push(call);
    const thereMs = Math.min(timeoutMs, travelMs(random));
    // On its way the call does not depend on its caller any more.
    await time.sleep(thereMs);
    call.arrivedAt = time.now();
    const scripted = this.options.script?.(call, ordinal);
    const kind = typeof scripted === 'string' ? scripted : troubleAt(trouble, call.arrivedAt, random);
    const answer = typeof scripted === 'object' ? scripted : this.#answer({ call, request, form }, kind);
    const backMs = answerMs(random, call.refused);
    const leftMs = timeoutMs - thereMs;
    if (answer !== undefined && backMs < leftMs) {
      await sleep(backMs);
      call.told = call.carriedOut && kind === undefined;
      return answer;
    }
    await sleep(leftMs);
    const lateMs = answer === undefined ? Number.POSITIVE_INFINITY : backMs - leftMs;
    const patienceMs = listenMs - timeoutMs;
    const late = answer !== undefined && lateMs < patienceMs ? answer : new JoinError('UPSTREAM_TIMEOUT');
    if (patienceMs > 0) void sleep(Math.min(lateMs, patienceMs)).then(() => onLateAnswer?.(late));
    return new JoinError('UPSTREAM_TIMEOUT');
  }

  /** How a call ends that arrives now; undefined if nothing ever comes back. */
  #answer(sent: Sent, kind: CallTrouble | undefined): UpstreamAnswer | JoinError | undefined {
    const { call } = sent;
    const { random, time, carriedOut = 0 } = this.options;
    const arrives = kind !== 'unreachable' && kind !== 'page' && kind !== 'rate';
    call.refused = kind === 'rate' || (arrives && !this.#rate.take(time.now()));
    const isMet = kind === undefined || (arrives && random.chance(carriedOut));
    const code = !isMet ? 1000 : call.refused ? 1008 : this.#carryOut(sent);
    switch (kind) {
      case undefined:
        return code === 'blocked' ? page(403) : answerOf(code);
      case 'hang':
        return undefined;
      case 'broken':
        return new JoinError('UPSTREAM_UNAVAILABLE');
      case 'unreachable':
        return new JoinError('UPSTREAM_UNREACHABLE');
      case 'dead':
        return new DeadConnection(new Error('the connection was closed'));
      case 'internal':
        return answerOf(1000);
      case 'error':
        return page(502);
      case 'cut':
        return { ...answerOf(code === 'blocked' ? 200 : code), complete: false };
      case 'rate':
        return answerOf(1008);
      case 'page':
        return page(403);
    }
  }

  #carryOut({ call, form, request: { url, headers: sent, body } }: Sent): number | 'blocked' {
    const headers: ImCall['headers'] = {};
    for (const name in sent) headers[name.toLowerCase()] = sent[name];
    const code = this.#judge(call, {
      method: 'POST',
      path: url.pathname,
      headers,
      form,
      bytes: Buffer.byteLength(body),
    });
    call.carriedOut = code === 200;
    return code;
  }

  #judge({ userIds, groupName }: Call, imCall: ImCall): number | 'blocked' {
    const { userFaults, nameFaults, acceptedSecret } = this.options;
    const faults = new Set(userIds.map((userId) => userFaults.get(userId)));
    if (groupName !== undefined) faults.add(nameFaults.get(groupName));
    if (faults.has('blocked')) return 'blocked';
    this.#app.appSecret = acceptedSecret();
    const checks = this.#app.check(imCall);
    const fault = checks.every(({ ok }) => ok) && ([1000, 1002, 400] as const).find((code) => faults.has(code));
    return fault || this.#app.call(imCall, checks).code;
  }
}

function newCall(caller: Omit<Caller, 'sleep'>, { headers }: UpstreamRequest, form: URLSearchParams, at: number): Call {
  return {
    ...caller,
    at,
    arrivedAt: at,
    refused: false,
    carriedOut: false,
    told: false,
    requestId: headers['X-Request-ID'] ?? '',
    groupId: form.get('groupId') ?? '',
    userIds: form.getAll('userId'),
    groupName: form.get('groupName') ?? undefined,
  };
}

function answerOf(code: number): UpstreamAnswer {
  return { status: STATUS[code] ?? 500, body: JSON.stringify({ code }), complete: true };
}

function page(status: number): UpstreamAnswer {
  return { status, body: FIREWALL_PAGE, complete: true };
}
