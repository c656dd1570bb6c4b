import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of the sandbox, on the loopback interface. */
export interface LocalServer {
  url: string;
  port: number;
  close(): Promise<void>;
}

export const HOST = '127.0.0.1';

/** Handles a request. What it throws is a 400 for the client and ends nothing else. */
export type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => unknown;

const LOOPBACK_HOST = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/;

export interface ListenOptions {
  /** Lets web pages of other origins call. */
  browsers?: boolean;
}

/**
 * Listens on a port, 0 for any. Rejects with Node's error (EADDRINUSE) if it can't. Web pages may not call, neither
 * across origins nor under a name of their own that resolves to this machine.
 */
export function listen(
  port: number,
  listener: Listener,
  { browsers = false }: ListenOptions = {},
): Promise<LocalServer> {
  const server = http.createServer((request, response) => {
    const { host = '', origin } = request.headers;
    if (!LOOPBACK_HOST.test(host) || (origin !== undefined && !browsers)) {
      response.writeHead(403).end();
      return;
    }
    new Promise((done) => done(listener(request, response))).catch(() => {
      if (response.headersSent) response.destroy();
      else response.writeHead(400).end();
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

/** Reads a whole request body. */
export async function readBody(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
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
