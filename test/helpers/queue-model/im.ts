import { createHash } from 'node:crypto';
import { RateWindow } from '../../../sandbox/rongcloud/rate-window.ts';
import type { SeededRandom } from '../../../tools/sim/seeded-random.ts';
import type { SimulatedTime } from '../../../tools/sim/simulated-time.ts';
import type { SecretModel } from './secret.ts';
import { type Trouble, troubleAt } from './trouble.ts';

/** How a user or a name is answered, whatever stands beside it: a return code, or a firewall's HTML page. */
export type ContentFault = 400 | 1002 | 1000 | 'blocked';

/**
 * What may go wrong with any call, besides its content. `dead`: the connection was closed while it was idle. All but
 * `unreachable`, `rate` and `page` may be carried out nevertheless.
 */
export type ImTrouble = 'internal' | 'error' | 'hang' | 'broken' | 'dead' | 'cut' | 'unreachable' | 'rate' | 'page';

/** How an exchange ended: an answer, or none. */
export type Exchange =
  | { status: number; body: string; complete: boolean }
  | 'timeout'
  | 'broken'
  | 'dead'
  | 'unreachable';

/** One try to send a call, from its start on. */
export interface Sending {
  at: number;
  environment: number;
  invocation: number;
  /** Whether the users joined, told or not. */
  carriedOut: boolean;
  /** Whether the answer said so. */
  told: boolean;
  /** Empty where nobody looked into the call. */
  groupId: string;
  userIds: readonly string[];
  groupName: string | undefined;
}

/** A call on its way, and who makes it. */
export interface ImCall {
  environment: number;
  invocation: number;
  form: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** The caller's own time, which may end. */
  sleep: (ms: number) => Promise<void>;
}

export interface ImOptions {
  time: SimulatedTime;
  random: SeededRandom;
  secret: SecretModel;
  /** Members that a group holds at most. */
  capacity: (groupId: string) => number;
  /** Whether a user who is in already counts as one too many when a group is full. */
  membersCount: boolean;
  userFaults: ReadonlyMap<string, ContentFault>;
  nameFaults: ReadonlyMap<string, ContentFault>;
  callsPerSecond: number;
  /** Whether calls that were refused for their rate count too. */
  countsRefused: boolean;
  latencyMs: readonly [min: number, max: number];
  trouble: readonly Trouble<ImTrouble>[];
  /** The share of calls that are carried out although they meet trouble. */
  carriedOut: number;
}

interface Group {
  members: Set<string>;
  name: string | undefined;
}

const STATUS: Readonly<Record<number, number>> = {
  200: 200,
  400: 400,
  405: 405,
  1000: 500,
  1002: 400,
  1004: 401,
  1008: 429,
};
const PAGE = '<html><body>403 Forbidden</body></html>';

/** RongCloud's join method with its groups, and all that may go wrong on the way there and back. */
export class ImModel {
  readonly sendings: Sending[] = [];
  readonly options: ImOptions;
  readonly #groups = new Map<string, Group>();
  readonly #rate: RateWindow;

  constructor(options: ImOptions) {
    this.options = options;
    this.#rate = new RateWindow(options.callsPerSecond, options.countsRefused);
  }

  members(groupId: string): ReadonlySet<string> {
    return this.#group(groupId).members;
  }

  name(groupId: string): string | undefined {
    return this.#group(groupId).name;
  }

  isFull(groupId: string): boolean {
    return this.members(groupId).size >= this.options.capacity(groupId);
  }

  /** Fills a group with users that no message names. */
  fill(groupId: string, count: number): void {
    for (let i = 0; i < count; i++) this.#group(groupId).members.add(`resident ${i}`);
  }

  async exchange({ environment, invocation, form, headers, timeoutMs, sleep }: ImCall): Promise<Exchange> {
    const { time, random, trouble, latencyMs, carriedOut } = this.options;
    const sending: Sending = {
      at: time.now(),
      environment,
      invocation,
      carriedOut: false,
      told: false,
      groupId: '',
      userIds: [],
      groupName: undefined,
    };
    this.sendings.push(sending);
    const kind = troubleAt(trouble, time.now(), random);
    const delayMs = Math.min(timeoutMs, random.int(...latencyMs));
    // On its way the call does not depend on its caller any more.
    await time.sleep(delayMs / 2);
    const code = kind === undefined || random.chance(carriedOut) ? this.#carryOut(sending, form, headers, kind) : 1000;
    await sleep(kind === 'hang' ? timeoutMs - delayMs / 2 : delayMs / 2);
    switch (kind) {
      case undefined:
        sending.told = code === 200;
        return code === 'blocked' ? page(403) : answer(code);
      case 'hang':
        return 'timeout';
      case 'broken':
      case 'dead':
      case 'unreachable':
        return kind;
      case 'internal':
        return answer(1000);
      case 'error':
        return page(502);
      case 'cut':
        return { ...answer(code === 'blocked' ? 200 : code), complete: false };
      case 'rate':
        return answer(1008);
      case 'page':
        return page(403);
    }
  }

  #carryOut(
    sending: Sending,
    form: string,
    headers: ImCall['headers'],
    kind: ImTrouble | undefined,
  ): number | 'blocked' {
    if (kind === 'unreachable' || kind === 'rate' || kind === 'page') return 1000;
    const pairs = new URLSearchParams(form);
    sending.groupId = pairs.get('groupId') ?? '';
    sending.userIds = pairs.getAll('userId');
    sending.groupName = pairs.get('groupName') ?? undefined;
    const code = this.#judge(sending, headers);
    sending.carriedOut = code === 200;
    return code;
  }

  #judge({ groupId, userIds, groupName }: Sending, headers: ImCall['headers']): number | 'blocked' {
    const { userFaults, nameFaults, membersCount, capacity, time, secret } = this.options;
    const faults = new Set(userIds.map((userId) => userFaults.get(userId)));
    if (groupName !== undefined) faults.add(nameFaults.get(groupName));
    if (faults.has('blocked')) return 'blocked';
    if (!isSigned(headers, secret.accepted())) return 1004;
    if (!this.#rate.take(time.now())) return 1008;
    if (userIds.length === 0 || userIds.length > 1000 || groupId === '') return 1002;
    for (const code of [1000, 1002, 400] as const) if (faults.has(code)) return code;
    const group = this.#group(groupId);
    const added = membersCount ? userIds : userIds.filter((userId) => !group.members.has(userId));
    if (group.members.size + added.length > capacity(groupId) && added.length > 0) return 405;
    for (const userId of userIds) group.members.add(userId);
    group.name = groupName ?? group.name;
    return 200;
  }

  #group(groupId: string): Group {
    const group = this.#groups.get(groupId) ?? { members: new Set(), name: undefined };
    this.#groups.set(groupId, group);
    return group;
  }
}

function isSigned(headers: ImCall['headers'], secret: string): boolean {
  const { Nonce: nonce, Timestamp: timestamp, Signature: signature } = headers;
  return createHash('sha1').update(`${secret}${nonce}${timestamp}`).digest('hex') === signature;
}

function answer(code: number): { status: number; body: string; complete: boolean } {
  return { status: STATUS[code] ?? 500, body: JSON.stringify({ code }), complete: true };
}

function page(status: number): { status: number; body: string; complete: boolean } {
  return { status, body: PAGE, complete: true };
}
