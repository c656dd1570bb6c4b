import type http from 'node:http';
import { applyFault, FAULT_RULE, type Fault, FaultSwitch, parseFault } from '../http/fault.ts';
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
const STATUS: Record<number, number> = {
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
 * its signature rules, limits and return codes. For people, unsigned: `PUT` and `DELETE /_sandbox/misbehavior` make
 * it fail and stop failing, `PUT /_sandbox/app-secret` resets the App Secret as RongCloud's console does, `PUT` and
 * `DELETE /_sandbox/leniency` make the app take any nonce and timestamp and look at them again, `GET /_sandbox/calls`
 * lists what the domain saw, `GET /_sandbox/members?groupId=` who is in a group.
 */
export async function startImService(app: ImApp, port = 0, { keptCalls }: Options = {}): Promise<ImService> {
  const calls: SeenCall[] = [];
  const fault = new FaultSwitch();

  const server = await listen(port, serve);

  async function serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method, headers } = request;
    const url = new URL(request.url ?? '/', server.url);
    const body = await readBody(request);
    if (url.pathname.startsWith('/_sandbox/')) return control(`${method} ${url.pathname}`, url, body, response);
    const form = new URLSearchParams(body.toString('utf8'));
    const call = { method, path: url.pathname, headers, form, bytes: body.length };
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

  function control(operation: string, url: URL, body: Buffer, response: http.ServerResponse): void {
    switch (operation) {
      case 'GET /_sandbox/calls': {
        const shown = calls.map(({ headers, ...call }) => ({ ...call, requestId: headers['x-request-id'] }));
        sendJson(response, 200, shown);
        return;
      }
      case 'GET /_sandbox/members':
        sendJson(response, 200, app.groups.members(url.searchParams.get('groupId') ?? ''));
        return;
      case 'PUT /_sandbox/app-secret':
        if (body.length > 0) app.appSecret = body.toString('utf8');
        response.writeHead(body.length > 0 ? 204 : 400).end();
        return;
      case 'PUT /_sandbox/leniency':
      case 'DELETE /_sandbox/leniency':
        app.freshness = operation.startsWith('DELETE');
        response.writeHead(204).end();
        return;
      case 'DELETE /_sandbox/misbehavior':
        fault.set(undefined);
        response.writeHead(204).end();
        return;
      case 'PUT /_sandbox/misbehavior': {
        const how = parseFault(parseJson(body.toString('utf8')));
        if (how) fault.set(how);
        if (how) response.writeHead(204).end();
        else sendJson(response, 400, { error: FAULT_RULE });
        return;
      }
      default:
        sendJson(response, 404, { error: 'no such control' });
    }
  }

  return { ...server, app, calls, fault };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
