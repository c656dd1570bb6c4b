import http from 'node:http';
import https from 'node:https';
import { JoinError } from '../errors.ts';
import type { UpstreamAnswer } from './return-codes.ts';

/** Reading an answer stops here: RongCloud's are a few hundred bytes. */
export const MAX_ANSWER_BYTES = 64 * 1024;

export interface TransportOptions {
  /** Lookup, connection and TLS together. */
  connectTimeoutMs?: number;
}

export interface UpstreamRequest {
  url: URL;
  headers: Record<string, string>;
  body: string;
  /** From the start to the last byte of the answer. */
  timeoutMs: number;
}

/**
 * Posts one form and reads the answer. Throws UPSTREAM_UNREACHABLE when no connection ever stood,
 * UPSTREAM_TIMEOUT when no whole answer came in time, UPSTREAM_UNAVAILABLE when the connection broke before an
 * answer began. Redirects are not followed, and TLS is verified as Node does by default.
 */
export interface Transport {
  post(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Closes what is kept open. */
  close(): void;
}

export function createTransport({ connectTimeoutMs = 2000 }: TransportOptions = {}): Transport {
  const agents = {
    'https:': new https.Agent({ keepAlive: true }),
    'http:': new http.Agent({ keepAlive: true }),
  };

  return {
    post: ({ url, headers, body, timeoutMs }) =>
      new Promise((resolve, reject) => {
        const secure = url.protocol === 'https:';
        const request = (secure ? https : http).request(url, {
          method: 'POST',
          agent: secure ? agents['https:'] : agents['http:'],
          headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
        });
        let connected = false;
        const fail = (error: JoinError): void => {
          reject(error);
          request.destroy();
        };
        const connectTimer = setTimeout(() => {
          if (!connected) fail(new JoinError('UPSTREAM_UNREACHABLE', { cause: new Error('connection timed out') }));
        }, connectTimeoutMs);
        const answerTimer = setTimeout(() => {
          fail(new JoinError(connected ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_UNREACHABLE'));
        }, timeoutMs);
        request.on('close', () => {
          clearTimeout(connectTimer);
          clearTimeout(answerTimer);
        });
        const standing = (): void => {
          connected = true;
        };
        request.on('socket', (socket) => {
          if (request.reusedSocket) standing();
          else socket.once(secure ? 'secureConnect' : 'connect', standing);
        });
        request.on('error', (cause) => {
          reject(new JoinError(connected ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_UNREACHABLE', { cause }));
        });
        request.on('response', (response) => {
          readAnswer(response).then(resolve, reject);
        });
        request.end(body);
      }),
    close: () => {
      agents['https:'].destroy();
      agents['http:'].destroy();
    },
  };
}

/** Reads until the end, the limit or a break. A body that broke off is an incomplete answer, not an error. */
async function readAnswer(response: http.IncomingMessage): Promise<UpstreamAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let complete = false;
  try {
    for await (const chunk of response) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) break;
      chunks.push(chunk);
    }
    complete = response.complete && bytes <= MAX_ANSWER_BYTES;
  } catch {
    complete = false;
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), complete };
}
