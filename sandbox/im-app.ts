import { createHash } from 'node:crypto';
import type http from 'node:http';
import { Groups } from './im-groups.ts';

export interface ImAppOptions {
  appKey: string;
  appSecret: string;
  callsPerSecond?: number;
  groupCapacity?: number;
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

/** A call of the IM service's API. */
export interface ImCall {
  method: string | undefined;
  path: string;
  headers: http.IncomingHttpHeaders;
  form: URLSearchParams;
  bytes: number;
}

const FIVE_MINUTES_MS = 5 * 60_000;
const MAX_BODY_BYTES = 100_000;

/** An app as the IM service keeps it, whichever domain it is called on: groups, nonces seen, calls of the last second. */
export class ImApp {
  readonly groups = new Groups();
  readonly now: () => number;
  /** Changes as a reset in RongCloud's console does. */
  appSecret: string;
  /** Users whom the IM service does not know (code 400): a call that names one fails whole. */
  readonly unknownUsers = new Set<string>();
  readonly #appKey: string;
  readonly #callsPerSecond: number;
  readonly #groupCapacity: number;
  readonly #freshness: boolean;
  readonly #nonces = new Map<string, number>();
  readonly #recent = new Map<string, number[]>();

  constructor(options: ImAppOptions) {
    this.now = options.now ?? Date.now;
    this.appSecret = options.appSecret;
    this.#appKey = options.appKey;
    this.#callsPerSecond = options.callsPerSecond ?? 100;
    this.#groupCapacity = options.groupCapacity ?? 3000;
    this.#freshness = options.freshness ?? true;
  }

  /** Carries a call out, or says with RongCloud's return code why not. */
  call({ method, path, headers, form, bytes }: ImCall): ImAnswer {
    const refusal = this.#checkSignature(headers) ?? this.#checkRate(path);
    if (refusal) return refusal;
    if (method !== 'POST') return refuse(404, 'no such address');
    if (bytes === 0) return refuse(1003, 'no POST data');
    if (bytes > MAX_BODY_BYTES) return refuse(1508, 'body too large');
    if (!headers['content-type']?.startsWith('application/x-www-form-urlencoded')) return refuse(1002, 'Content-Type');
    const groupId = form.get('groupId');
    if (!groupId) return refuse(1002, 'groupId is required');
    if (groupId.length > 64) return refuse(1005, 'groupId is too long');
    switch (path) {
      case '/group/join.json':
        return this.#join(groupId, form);
      case '/group/user/query.json':
        return { code: 200, users: this.groups.members(groupId).map((id) => ({ id })) };
      default:
        return refuse(404, 'no such address');
    }
  }

  #join(groupId: string, form: URLSearchParams): ImAnswer {
    const userIds = form.getAll('userId');
    const groupName = form.get('groupName') ?? undefined;
    if (userIds.length === 0 || userIds.includes('')) return refuse(1002, 'userId is required');
    if (userIds.length > 1000) return refuse(1002, 'more than 1000 userId');
    if (userIds.some((id) => id.length > 64)) return refuse(1005, 'userId is too long');
    if (groupName !== undefined && groupName.length > 64) return refuse(1005, 'groupName is too long');
    if (userIds.some((id) => this.unknownUsers.has(id))) return refuse(400, 'userId does not exist');
    const joined = this.groups.join(groupId, userIds, this.#groupCapacity, groupName);
    return joined ? { code: 200 } : refuse(405, 'the group is full');
  }

  #checkSignature(headers: http.IncomingHttpHeaders): ImAnswer | undefined {
    const { 'app-key': appKey, nonce, timestamp, signature } = headers;
    if (appKey !== this.#appKey) return refuse(1001, 'App-Key');
    if (typeof nonce !== 'string' || typeof timestamp !== 'string') return refuse(1004, 'Nonce or Timestamp');
    const expected = createHash('sha1').update(`${this.appSecret}${nonce}${timestamp}`).digest('hex');
    if (signature !== expected) return refuse(1004, 'Signature');
    if (!this.#freshness) return undefined;
    if (nonce.length > 18 || this.#nonces.has(nonce)) return refuse(1004, 'Nonce');
    if (!(Math.abs(this.now() - Number(timestamp)) <= FIVE_MINUTES_MS)) return refuse(1004, 'Timestamp');
    this.#nonces.set(nonce, this.now());
    for (const [old, at] of this.#nonces) {
      if (this.now() - at <= 2 * FIVE_MINUTES_MS) break;
      this.#nonces.delete(old);
    }
    return undefined;
  }

  /** A sliding second for each method. */
  #checkRate(path: string): ImAnswer | undefined {
    const taken = (this.#recent.get(path) ?? []).filter((at) => this.now() - at < 1000);
    this.#recent.set(path, taken);
    if (taken.length >= this.#callsPerSecond) return refuse(1008, 'rate exceeded');
    taken.push(this.now());
    return undefined;
  }
}

function refuse(code: number, errorMessage: string): ImAnswer {
  return { code, errorMessage };
}
