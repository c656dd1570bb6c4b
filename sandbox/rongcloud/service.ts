import type http from 'node:http';
import { applyFault, type Fault, FaultSwitch } from '../http/fault.ts';
import { type LocalServer, listen, readBody, sendJson } from '../http/server.ts';
import type { ImAnswer, ImApp } from './app.ts';
import type { Check } from './checks.ts';

/** A call that reached the stand-in, and how it was answered: 0 if it met a fault. */
export interface SeenCall {
  /** Its place among all calls of this process, whichever domain they came to. */
  number: number;
  at: number;
  path: string;
  headers: http.IncomingHttpHeaders;
  groupId: string | undefined;
  userIds: string[];
  /** Each rule, and whether the call kept it when it came. */
  checks: Omit<Check, 'code'>[];
  code: number;
  errorMessage?: string | undefined;
  /** The HTTP status, once the stand-in has answered. */
  status?: number;
  /** The fault that it met. */
  fault?: Fault | undefined;
}

/** One domain of the stand-in IM service. */
export interface ImService extends LocalServer {
  app: ImApp;
  calls: SeenCall[];
  fault: FaultSwitch;
}

interface Options {
  /** How many calls are kept to be looked at, the newest; all if absent. */
  keptCalls?: number;
}

let callCount = 0;

/** The HTTP status that goes with a return code. */
export const STATUS: Readonly<Record<number, number>> = {
  200: 200,
  400: 400,
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

/**
 * Stands in for one domain of RongCloud's IM service: `POST /group/join.json` and `POST /group/user/query.json`, with
 * its signature rules, limits and return codes.
 */
export async function startImService(app: ImApp, port = 0, { keptCalls }: Options = {}): Promise<ImService> {
  const calls: SeenCall[] = [];
  const fault = new FaultSwitch();

  async function serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method, headers } = request;
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const body = await readBody(request);
    const form = new URLSearchParams(body.toString('utf8'));
    const call = { method, path: pathname, headers, form, bytes: body.length };
    const how = fault.next();
    const checks = app.check(call);
    callCount += 1;
    const seen: SeenCall = {
      number: callCount,
      at: app.now(),
      path: call.path,
      headers,
      groupId: form.get('groupId') ?? undefined,
      userIds: form.getAll('userId'),
      checks: checks.map(({ code, ...check }) => check),
      code: 0,
      fault: how,
    };
    calls.push(seen);
    if (keptCalls !== undefined && calls.length > keptCalls) calls.shift();
    const carryOut = (checked?: Check[]): ImAnswer => {
      const answer = app.call(call, checked);
      seen.code = answer.code;
      seen.errorMessage = answer.errorMessage;
      return answer;
    };
    // After a delay the checks are made anew.
    const carriedOut = !how || how.carryOut ? carryOut(checks) : undefined;
    if (how && (await applyFault(how, response))) return;
    const answer = carriedOut ?? carryOut();
    seen.status = STATUS[answer.code] ?? 400;
    sendJson(response, seen.status, answer);
  }

  return { ...(await listen(port, serve)), app, calls, fault };
}
