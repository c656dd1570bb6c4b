import { createHash } from 'node:crypto';
import type http from 'node:http';
import { type LocalServer, listen, readBody, sendJson } from './http-server.ts';
import { Groups } from './im-groups.ts';
import { type Misbehavior, misbehave, parseMisbehavior } from './misbehavior.ts';

export interface ImServiceOptions {
  port?: number;
  appKey: string;
  appSecret: string;
  callsPerSecond?: number;
  groupCapacity?: number;
  now?: () => number;
}

/** A call that reached the stand-in, and how it was answered: 0 if it was made to misbehave. */
export interface SeenCall {
  at: number;
  path: string;
  headers: http.IncomingHttpHeaders;
  groupId: string | undefined;
  userIds: string[];
  code: number;
}

export interface ImService extends LocalServer {
  groups: Groups;
  calls: SeenCall[];
  misbehave(how: Misbehavior | undefined): void;
  /** Changes the app's secret, as a rotation in RongCloud's console does. */
  setAppSecret(appSecret: string): void;
}

interface Answer {
  code: number;
  errorMessage?: string;
  [field: string]: unknown;
}

/** The HTTP status that goes with a return code. */
const STATUS: Record<number, number> = {
  200: 200,
  404: 404,
  405: 405,
  1001: 401,
  1002: 400,
  1003: 400,
  1004: 401,
  1005: 400,
  1008: 429,
  1508: 400,
};

const FIVE_MINUTES_MS = 5 * 60_000;
const MAX_BODY_BYTES = 100_000;

/**
 * Stands in for RongCloud's IM service: `POST /group/join.json` and `POST /group/user/query.json`, with its
 * signature rules, limits and return codes. For people, unsigned: `PUT` and `DELETE /_sandbox/misbehavior` make it
 * fail and stop failing, `GET /_sandbox/calls` lists what it saw, `GET /_sandbox/members?groupId=` who is in a group.
 */
export async function startImService(options: ImServiceOptions): Promise<ImService> {
  const { callsPerSecond = 100, groupCapacity = 3000, now = Date.now } = options;
  let { appSecret } = options;
  const groups = new Groups();
  const calls: SeenCall[] = [];
  const nonces = new Map<string, number>();
  const recent = new Map<string, number[]>();
  let misbehavior: Misbehavior | undefined;

  const server = await listen(options.port ?? 0, (request, response) => {
    serve(request, response).catch(() => response.socket?.destroy());
  });

  async function serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { pathname: path, searchParams } = new URL(request.url ?? '/', server.url);
    const body = await readBody(request);
    if (path === '/_sandbox/members') {
      return sendJson(response, 200, groups.members(searchParams.get('groupId') ?? ''));
    }
    if (path.startsWith('/_sandbox/')) return control(request.method ?? '', path, body.toString('utf8'), response);
    const form = new URLSearchParams(body.toString('utf8'));
    const call: SeenCall = {
      at: now(),
      path,
      headers: request.headers,
      groupId: form.get('groupId') ?? undefined,
      userIds: form.getAll('userId'),
      code: 0,
    };
    calls.push(call);
    const how = nextMisbehavior();
    if (how?.carryOut) call.code = judge(request, path, form, body.length).code;
    if (how && (await misbehave(how, response))) return;
    const answer = judge(request, path, form, body.length);
    call.code = answer.code;
    sendJson(response, STATUS[answer.code] ?? 400, answer);
  }

  function nextMisbehavior(): Misbehavior | undefined {
    const how = misbehavior;
    if (how?.calls !== undefined) {
      how.calls -= 1;
      if (how.calls <= 0) misbehavior = undefined;
    }
    return how;
  }

  function judge(request: http.IncomingMessage, path: string, form: URLSearchParams, bytes: number): Answer {
    const refusal = checkSignature(request.headers) ?? checkRate(path);
    if (refusal) return refusal;
    if (request.method !== 'POST') return refuse(404, 'no such address');
    if (bytes === 0) return refuse(1003, 'no POST data');
    if (bytes > MAX_BODY_BYTES) return refuse(1508, 'body too large');
    if (!request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
      return refuse(1002, 'Content-Type');
    }
    const groupId = form.get('groupId');
    if (!groupId) return refuse(1002, 'groupId is required');
    if (groupId.length > 64) return refuse(1005, 'groupId is too long');
    if (path === '/group/user/query.json') {
      return { code: 200, users: groups.members(groupId).map((id) => ({ id })) };
    }
    if (path !== '/group/join.json') return refuse(404, 'no such address');
    return join(groupId, form);
  }

  function join(groupId: string, form: URLSearchParams): Answer {
    const userIds = form.getAll('userId');
    const groupName = form.get('groupName') ?? undefined;
    if (userIds.length === 0 || userIds.includes('')) return refuse(1002, 'userId is required');
    if (userIds.length > 1000) return refuse(1002, 'more than 1000 userId');
    if (userIds.some((id) => id.length > 64)) return refuse(1005, 'userId is too long');
    if (groupName !== undefined && groupName.length > 64) return refuse(1005, 'groupName is too long');
    return groups.join(groupId, userIds, groupCapacity, groupName) ? { code: 200 } : refuse(405, 'the group is full');
  }

  function checkSignature(headers: http.IncomingHttpHeaders): Answer | undefined {
    const { 'app-key': appKey, nonce, timestamp, signature } = headers;
    if (appKey !== options.appKey) return refuse(1001, 'App-Key');
    if (typeof nonce !== 'string' || typeof timestamp !== 'string') return refuse(1004, 'Nonce or Timestamp');
    const expected = createHash('sha1').update(`${appSecret}${nonce}${timestamp}`).digest('hex');
    if (signature !== expected) return refuse(1004, 'Signature');
    if (nonce.length > 18 || nonces.has(nonce)) return refuse(1004, 'Nonce');
    if (!(Math.abs(now() - Number(timestamp)) <= FIVE_MINUTES_MS)) return refuse(1004, 'Timestamp');
    nonces.set(nonce, now());
    for (const [old, at] of nonces) {
      if (now() - at <= 2 * FIVE_MINUTES_MS) break;
      nonces.delete(old);
    }
    return undefined;
  }

  /** A sliding second for each method. */
  function checkRate(path: string): Answer | undefined {
    const taken = (recent.get(path) ?? []).filter((at) => now() - at < 1000);
    recent.set(path, taken);
    if (taken.length >= callsPerSecond) return refuse(1008, 'rate exceeded');
    taken.push(now());
    return undefined;
  }

  function control(method: string, path: string, body: string, response: http.ServerResponse): void {
    if (path === '/_sandbox/calls' && method === 'GET') {
      sendJson(
        response,
        200,
        calls.map(({ headers, ...call }) => ({ ...call, requestId: headers['x-request-id'] })),
      );
    } else if (path === '/_sandbox/misbehavior' && method === 'DELETE') {
      misbehavior = undefined;
      response.writeHead(204).end();
    } else if (path === '/_sandbox/misbehavior' && method === 'PUT') {
      misbehavior = parseMisbehavior(parseJson(body));
      if (misbehavior) response.writeHead(204).end();
      else sendJson(response, 400, { error: 'kind must be status, delay, hang, cut or close' });
    } else {
      sendJson(response, 404, { error: 'no such control' });
    }
  }

  return {
    ...server,
    groups,
    calls,
    misbehave: (how) => {
      misbehavior = how && { ...how };
    },
    setAppSecret: (next) => {
      appSecret = next;
    },
  };
}

function refuse(code: number, errorMessage: string): Answer {
  return { code, errorMessage };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
