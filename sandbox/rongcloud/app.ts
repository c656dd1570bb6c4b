import { type Check, checkCall, type ImCall, JOIN } from './checks.ts';
import { Groups, type MemberLimit } from './groups.ts';
import { RateWindow } from './rate-window.ts';

export interface ImAppOptions {
  appKey: string;
  appSecret: string;
  callsPerSecond?: number;
  groupCapacity?: number;
  /** Whether a member who joins a full group again is one too many. */
  countsMembers?: boolean;
  /** False takes any nonce and timestamp: the vendor's Node SDK makes them once for a process. */
  freshness?: boolean;
  now?: () => number;
}

/** What the IM service answers: a return code of RongCloud's and more. */
export interface ImAnswer {
  code: number;
  errorMessage?: string;
  users?: { id: string }[];
}

/** Longer than any timestamp is fresh for. */
const KEEP_NONCES_MS = 10 * 60_000;

/** An app as the IM service keeps it, whichever domain it is called on: groups, nonces seen, calls of the last second. */
export class ImApp {
  readonly groups = new Groups();
  readonly now: () => number;
  /** Changes as a reset in RongCloud's console does. */
  appSecret: string;
  /** False takes any nonce and timestamp. */
  freshness: boolean;
  /** Users whom the IM service does not know (code 400): a call that names one fails whole. */
  readonly unknownUsers = new Set<string>();
  readonly #appKey: string;
  readonly #callsPerSecond: number;
  readonly #memberLimit: MemberLimit;
  readonly #nonces = new Map<string, number>();
  /** By the path of the method. */
  readonly #rates = new Map<string, RateWindow>();

  constructor(options: ImAppOptions) {
    this.now = options.now ?? Date.now;
    this.appSecret = options.appSecret;
    this.freshness = options.freshness ?? true;
    this.#appKey = options.appKey;
    this.#callsPerSecond = options.callsPerSecond ?? 100;
    const { groupCapacity = 3000, countsMembers = false } = options;
    this.#memberLimit = { capacity: groupCapacity, countsMembers };
  }

  /** Whether a call keeps each of the rules. Changes nothing. */
  check(call: ImCall): Check[] {
    return checkCall(call, {
      appKey: this.#appKey,
      appSecret: this.appSecret,
      now: this.now(),
      freshness: this.freshness,
      isUsed: (nonce) => this.#nonces.has(nonce),
      callsLeft: this.#rate(call.path).left(this.now()),
    });
  }

  /** Carries a call out, or says with RongCloud's return code why not. `checks` are those of this moment. */
  call(call: ImCall, checks = this.check(call)): ImAnswer {
    const broken = checks.find(({ ok }) => !ok);
    if (broken?.code !== 1001 && broken?.code !== 1004) this.#count(call);
    if (broken) return refuse(broken.code, broken.detail);
    const groupId = call.form.get('groupId') ?? '';
    if (call.path === JOIN) return this.#join(groupId, call.form);
    return { code: 200, users: this.groups.members(groupId).map((id) => ({ id })) };
  }

  #join(groupId: string, form: URLSearchParams): ImAnswer {
    const userIds = form.getAll('userId');
    if (userIds.some((id) => this.unknownUsers.has(id))) return refuse(400, 'A userId does not exist.');
    const joined = this.groups.join(groupId, userIds, this.#memberLimit, form.get('groupName') ?? undefined);
    return joined ? { code: 200 } : refuse(405, 'The group is full.');
  }

  /** Keeps the nonce of a call that was signed well, and counts it. */
  #count({ path, headers }: ImCall): void {
    const now = this.now();
    if (this.freshness) this.#nonces.set(String(headers.nonce), now);
    for (const [old, at] of this.#nonces) {
      if (now - at <= KEEP_NONCES_MS) break;
      this.#nonces.delete(old);
    }
    this.#rate(path).take(now);
  }

  #rate(path: string): RateWindow {
    const rate = this.#rates.get(path) ?? new RateWindow(this.#callsPerSecond);
    this.#rates.set(path, rate);
    return rate;
  }
}

function refuse(code: number, errorMessage: string): ImAnswer {
  return { code, errorMessage };
}
