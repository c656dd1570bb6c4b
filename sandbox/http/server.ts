import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of the sandbox, on the loopback interface. */
export interface LocalServer {
  url: string;
  port: number;
  close(): Promise<void>;
}

export const HOST = '127.0.0.1';

/** Handles a request. What it throws is a 400 for the client, a 413 if it is BodyTooLarge, and ends nothing else. */
export type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => unknown;

// A request has 8 seconds to arrive, its body included. Node gives it 5 minutes, and looks every 30 seconds.
const TIME_LIMITS = { requestTimeout: 8000, headersTimeout: 8000, connectionsCheckingInterval: 1000 };

/** Listens on a port, 0 for any. Rejects with Node's error (EADDRINUSE) if it can't. Only the allowed web pages may call. */
export function listen(port: number, listener: Listener, pages: AllowedPages = {}): Promise<LocalServer> {
  const server = http.createServer(TIME_LIMITS, (request, response) => {
    if (!mayCall(request.headers, pages)) {
      refuse(response);
      return;
    }
    new Promise((done) => done(listener(request, response))).catch((thrown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(thrown instanceof BodyTooLarge ? 413 : 400).end();
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => {
      const bound = (server.address() as AddressInfo).port;
      resolve({
        url: `http://${HOST}:${bound}`,
        port: bound,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}

/** Over what API Gateway (10 MB), Lambda (6 MB) and SQS (1 MiB) take. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

class BodyTooLarge extends Error {}

/** Reads a whole body of at most 16 MiB, or throws BodyTooLarge. */
export async function readBody(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new BodyTooLarge('the body is over 16 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Answers with a JSON body. */
export function sendJson(response: http.ServerResponse, status: number, body: unknown, headers = {}): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

const LOOPBACK_HOST = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/;

/** Which web pages may call a port. */
export interface AllowedPages {
  /** Those of these origins; `*`: of any. */
  origins?: readonly string[];
  /** Those that the port itself has served. */
  ownPages?: boolean;
}

/**
 * Whether a request may come from a program of this machine, from a person who typed the address, or from a web page that
 * is allowed. A foreign page is known by its Origin, by the Host of its own name that resolves to this machine, and, since
 * a browser sends no Origin with some GETs, by Sec-Fetch-Site (W3C, "Fetch Metadata Request Headers").
 *
 * Chromium says `Sec-Fetch-Site: none`, as for an address that a person typed, where a page's speculation rules make it
 * load an address in advance. Sec-Purpose tells the two apart. After it was refused a page, it asks for that port's icon
 * in the port's own name. The sandbox's pages ask for no images.
 */
function mayCall(headers: http.IncomingHttpHeaders, { origins = [], ownPages = false }: AllowedPages = {}): boolean {
  const { host = '', origin, 'sec-fetch-site': site, 'sec-fetch-dest': destination } = headers;
  if (!LOOPBACK_HOST.test(host) || destination === 'image') return false;
  if (headers['sec-purpose'] !== undefined || headers.purpose !== undefined) return false;
  if (ownPages && origin === `http://${host}`) return true;
  if (origin !== undefined) return origins.includes('*') || origins.includes(origin);
  return site === undefined || site === 'none' || (ownPages && site === 'same-origin');
}

/** Answers 403 and listens no further. */
export function refuse(response: http.ServerResponse): void {
  response.writeHead(403, { 'Content-Type': 'text/plain', Connection: 'close' });
  response.end('This port of the sandbox does not answer you.\n');
}
