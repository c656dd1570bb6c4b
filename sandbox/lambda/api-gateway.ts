import type http from 'node:http';
import { type Forwarded, forward, type Target } from '../http/forward.ts';
import { type Listener, type LocalServer, listen, readBody, sendJson } from '../http/server.ts';
import { placeIn } from './invoke.ts';

/** Whose pages may call, and what they may send besides what every page may. */
export interface Cors {
  origins: readonly string[];
  headers: readonly string[];
}

export interface ApiGatewayOptions {
  /** Where the function is. */
  target: () => Target;
  cors: Cors;
  /** What a person is told who opens the root in a browser. */
  atRoot: () => string;
  /** Gets the body of each answer of the function that is an error. */
  onProblem: (body: string) => void;
  /** Told of what no function has logged. */
  onTrouble: (line: string) => void;
}

/**
 * A front that makes serverless-offline answer as an HTTP API of API Gateway does where the two differ: a function
 * that throws or runs out of time is a 500 or 503 with `{"message"}` and never a stack, repeated headers are
 * joined, and CORS headers go to the configured origins alone.
 */
export function startApiGateway(port: number, options: ApiGatewayOptions): Promise<LocalServer> {
  const { target, cors, atRoot, onProblem, onTrouble } = options;
  const listener: Listener = async (request, response) => {
    const { origin } = request.headers;
    const isAny = cors.origins.includes('*');
    if (origin !== undefined && (isAny || cors.origins.includes(origin))) {
      allow(response, isAny ? '*' : origin, cors.headers);
    }
    const path = request.url ?? '/';
    if (request.method === 'OPTIONS' && cors.origins.length > 0) {
      response.writeHead(204).end();
      return;
    }
    if (request.method === 'GET' && path === '/') {
      sendJson(response, 404, { message: atRoot() });
      return;
    }
    // serverless-offline would take a path with a slash at its end for the one without.
    if (request.method === 'OPTIONS' || /^[^?]*\/(\?|$)/.test(path)) {
      sendOwn(response, 404);
      return;
    }
    const body = await readBody(request);
    const server = target();
    const why = (error: unknown) => (server.url ? `Its function can't be reached: ${error}` : 'It is still starting.');
    const answer = await forward({
      ...server,
      path: path.replace(DOTS, '/groups/%252E'),
      method: request.method ?? 'GET',
      headers: joinedHeaders(request.rawHeaders),
      body: visibleBody(body),
    }).catch((error: unknown) => void onTrouble(`The HTTP door answers 503. ${why(error)}`));
    if (answer && answer.status >= 400) onProblem(answer.body.toString('utf8'));
    if (answer) relay(answer, response, onTrouble);
    else sendOwn(response, 503);
  };
  return listen(port, listener, { origins: cors.origins });
}

/** A group of one or two dots. serverless-offline would resolve them, so the function gets it as an id that it refuses too. */
const DOTS = /^\/groups\/(\.|%2e){1,2}(?=\/)/i;

/** What API Gateway itself answers. */
const OWN_ANSWERS = new Map([
  [400, 'Bad Request'],
  [404, 'Not Found'],
  [413, 'Request Entity Too Large'],
  [500, 'Internal Server Error'],
  [503, 'Service Unavailable'],
]);

/** Every answer of the function carries a request id; what comes without one comes from serverless-offline. */
function relay(
  { status, headers, body }: Forwarded,
  response: http.ServerResponse,
  onTrouble: (line: string) => void,
): void {
  if (headers['x-request-id'] !== undefined) {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && !/^(access-control-|connection$|transfer-encoding$|keep-alive$)/.test(name)) {
        response.setHeader(name, value);
      }
    }
    response.writeHead(status).end(body);
    return;
  }
  const own = OWN_ANSWERS.has(status) ? status : body.includes('Lambda timeout') ? 503 : 500;
  if (own >= 500) onTrouble(`The HTTP door answers ${own}. Its function failed: ${reasonIn(body)}`);
  sendOwn(response, own);
}

/** What serverless-offline says of a function that failed, and where. */
function reasonIn(body: Buffer): string {
  try {
    const { errorMessage, stackTrace } = JSON.parse(body.toString('utf8'));
    return `${errorMessage}${placeIn(stackTrace)}`;
  } catch {
    return body.toString('utf8');
  }
}

function sendOwn(response: http.ServerResponse, status: number): void {
  sendJson(response, status, { message: OWN_ANSWERS.get(status) });
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'expect', 'origin']);

/** serverless-offline takes null, false, 0 and "" for no body; a list is refused in the same words as they are. */
function visibleBody(body: Buffer): Buffer {
  try {
    return JSON.parse(body.toString('utf8')) ? body : Buffer.from('[]');
  } catch {
    return body;
  }
}

function joinedHeaders(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const value = rawHeaders[i + 1] ?? '';
    // A header of serverless-offline's own that would stand in for an authorizer.
    if (HOP_BY_HOP.has(name) || name.startsWith('sls-offline-')) continue;
    headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  return headers;
}

const SENT = ['authorization', 'content-type', 'prefer', 'traceparent', 'x-request-id'];

function allow(response: http.ServerResponse, origin: string, headers: readonly string[]): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-methods', 'POST');
  response.setHeader('access-control-allow-headers', [...new Set([...SENT, ...headers])].join());
  response.setHeader('access-control-expose-headers', 'preference-applied,retry-after,www-authenticate,x-request-id');
  response.setHeader('access-control-max-age', '600');
}
