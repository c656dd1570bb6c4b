import type http from 'node:http';
import { type LocalServer, listen, readBody, sendJson } from '../http/server.ts';
import { Refusal } from './answer.ts';
import { control } from './controls.ts';
import { servePage } from './pages.ts';
import { type ConsoleParts, takeSnapshot } from './snapshot.ts';
import { Stream } from './stream.ts';

const INTERFACE = '/_sandbox/';

/**
 * A page on which a person looks at the sandbox and makes it do things, and the interface under `/_sandbox/` that the
 * page and curl use. On a port of its own, so that no page of another origin shares the console's, whatever origins
 * the HTTP door takes.
 */
export function startConsole(port: number, parts: ConsoleParts): Promise<LocalServer> {
  const stream = new Stream(() => takeSnapshot(parts));

  async function serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = '' } = request;
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (method === 'GET' && (await servePage(pathname, response))) return;
    if (method === 'GET' && pathname === `${INTERFACE}stream`) {
      if (stream.add(response)) return;
      throw new Refusal(503, 'Too many read the stream already');
    }
    if (pathname.startsWith(INTERFACE)) {
      const body = method === 'GET' ? undefined : await readJson(request);
      const answer = await control(parts, method, pathname.slice(INTERFACE.length), body);
      if (answer?.body !== undefined) return sendJson(response, answer.status, answer.body, NO_STORE);
      if (answer) {
        response.writeHead(answer.status).end();
        return;
      }
    }
    throw new Refusal(404, 'The console has no such address');
  }

  return listen(
    port,
    (request, response) =>
      serve(request, response).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        sendJson(response, error.status, { error: error.message }, NO_STORE);
      }),
    { ownPages: true },
  );
}

const NO_STORE = { 'Cache-Control': 'no-store' };

/**
 * The body of a request that changes something; undefined if it has none. A POST must say that it is JSON, which no form
 * of a web page can. A page can send no PUT and no DELETE without being asked about its origin (Fetch, "CORS-safelisted
 * method").
 */
async function readJson(request: http.IncomingMessage): Promise<unknown> {
  const { 'content-type': type = '' } = request.headers;
  if (!['PUT', 'DELETE'].includes(request.method ?? '') && !/^application\/json\s*(;|$)/i.test(type)) {
    throw new Refusal(415, 'Content-Type must be application/json');
  }
  const text = (await readBody(request)).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'The body is not JSON');
  }
}
