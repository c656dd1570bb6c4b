import { readFile } from 'node:fs/promises';
import type http from 'node:http';
import { fileURLToPath } from 'node:url';
import { type LocalServer, listen, readBody, sendJson } from '../http/server.ts';
import { Refusal } from './answer.ts';
import { control } from './controls.ts';
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

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

const LIT_HTML = ['lit-html.js', 'directive.js', 'directive-helpers.js', 'directives/repeat.js'];

/** The console's files by path. page.js finds lit-html by the same relative path in this folder and in a browser. */
const FILES = new Map([
  ['/', new URL('page.html', import.meta.url)],
  ...['page.css', 'page.js'].map((name) => [`/${name}`, new URL(name, import.meta.url)] as const),
  ...LIT_HTML.map((name) => `/node_modules/lit-html/${name}`).map(
    (path) => [path, new URL(`../..${path}`, import.meta.url)] as const,
  ),
]);

/** The page loads nothing but its own files and asks nobody but its own server. */
const PAGE_HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types lit-html',
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** Answers with a file of the page, and says whether the path has one. */
async function servePage(path: string, response: http.ServerResponse): Promise<boolean> {
  const file = FILES.get(path);
  if (!file) return false;
  const content = await readFile(fileURLToPath(file));
  const type = TYPES[file.pathname.split('.').at(-1) ?? ''];
  response.writeHead(200, { ...PAGE_HEADERS, 'Content-Type': type, 'Content-Length': content.length }).end(content);
  return true;
}
