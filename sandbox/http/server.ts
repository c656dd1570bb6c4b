import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AllowedPages, mayCall, refuse } from './web-pages.ts';

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
