import http from 'node:http';
import { readBody } from './server.ts';

export interface Forwarded {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** A server behind a front. */
export interface Target {
  /** The server's origin. */
  url: string;
  /** What the server asks for before it answers anybody. */
  key?: string;
}

/** The header of a target's key. */
export const KEY_HEADER = 'x-sandbox-key';

export interface ForwardOptions extends Target {
  /** Sent as it is. */
  path: string;
  method: string;
  headers: http.OutgoingHttpHeaders;
  body: Buffer;
}

/** Makes one request to a server behind a front, and reads the whole answer. */
export function forward({ url, key, path, method, headers, body }: ForwardOptions): Promise<Forwarded> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      path,
      method,
      headers: { ...headers, ...(key !== undefined && { [KEY_HEADER]: key }), 'content-length': body.length },
      agent: false,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      readBody(response).then(
        (answer) => resolve({ status: response.statusCode ?? 502, headers: response.headers, body: answer }),
        reject,
      );
    });
    request.end(body);
  });
}
