import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { JoinError } from '../errors.ts';
import type { UpstreamAnswer } from './return-codes.ts';

/** Reading an answer stops here: RongCloud's are a few hundred bytes. */
export const MAX_ANSWER_BYTES = 64 * 1024;
/** RongCloud wants an idle connection dropped after 55 seconds, and any before its 80th request. */
const MAX_IDLE_MS = 50_000;
const MAX_REQUESTS_PER_SOCKET = 79;

export interface TransportOptions {
  /** For lookup, connection and TLS together. */
  connectTimeoutMs?: number;
  /** Wall-clock time in milliseconds. */
  now: () => number;
}

export interface UpstreamRequest {
  url: URL;
  /** Made anew for each sending, since a nonce must never be used twice. */
  headers: () => Record<string, string>;
  body: string;
  /** From the start to the last byte of the answer. */
  timeoutMs: number;
}

/**
 * Posts forms over kept-alive connections and reads the answers. A reused connection that turns out dead is
 * replaced once by a new one. Throws UPSTREAM_UNREACHABLE when no connection ever stood, UPSTREAM_TIMEOUT when no
 * whole answer came in time, UPSTREAM_UNAVAILABLE when the connection broke before an answer began. Redirects are
 * not followed, and TLS is verified as Node does by default.
 */
export interface Transport {
  post(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /** Closes what is kept open. */
  close(): void;
}

export function createTransport({ connectTimeoutMs = 2000, now }: TransportOptions): Transport {
  const secure = new Connections(new https.Agent({ keepAlive: true }), now);
  const plain = new Connections(new http.Agent({ keepAlive: true }), now);

  async function post(request: UpstreamRequest): Promise<UpstreamAnswer> {
    const connections = request.url.protocol === 'https:' ? secure : plain;
    const startedAt = performance.now();
    connections.dropIdle(MAX_IDLE_MS);
    try {
      return await send(request, { agent: connections.agent, connectTimeoutMs });
    } catch (error) {
      if (!(error instanceof DeadConnection)) throw error;
      connections.dropIdle(0);
      const timeoutMs = request.timeoutMs - (performance.now() - startedAt);
      return await send({ ...request, timeoutMs }, { agent: connections.agent, connectTimeoutMs }).catch((again) => {
        // What went out on the dead connection may have arrived.
        throw again instanceof JoinError && again.outcome !== 'not_sent' ? again : error;
      });
    }
  }

  return {
    post,
    close() {
      secure.agent.destroy();
      plain.agent.destroy();
    },
  };
}

/** A reused connection closed before it gave an answer: the server had most likely closed it while it was idle. */
class DeadConnection extends JoinError {}

/** An agent's connections, with their age kept by the wall clock: timers stand still while Lambda freezes. */
class Connections {
  readonly agent: http.Agent;
  readonly #now: () => number;
  readonly #requests = new WeakMap<Duplex, number>();
  readonly #idleSince = new WeakMap<Duplex, number>();

  constructor(agent: http.Agent, now: () => number) {
    this.agent = agent;
    this.#now = now;
    const keepAlive = agent.keepSocketAlive.bind(agent);
    // Node calls this when a request is over, and closes the connection if the answer is false.
    agent.keepSocketAlive = (socket: Duplex): boolean => {
      const requests = (this.#requests.get(socket) ?? 0) + 1;
      this.#requests.set(socket, requests);
      this.#idleSince.set(socket, this.#now());
      const serverAgrees: unknown = keepAlive(socket);
      return serverAgrees !== false && requests < MAX_REQUESTS_PER_SOCKET;
    };
  }

  /**
   * Closes connections that have been idle for so long. Node reuses the one that became idle last, so it never
   * meets a closed one before an open one.
   */
  dropIdle(maxIdleMs: number): void {
    for (const sockets of Object.values(this.agent.freeSockets)) {
      for (const socket of sockets ?? []) {
        if (this.#now() - (this.#idleSince.get(socket) ?? 0) >= maxIdleMs) socket.destroy();
      }
    }
  }
}

interface Means {
  agent: http.Agent;
  connectTimeoutMs: number;
}

function send(upstream: UpstreamRequest, { agent, connectTimeoutMs }: Means): Promise<UpstreamAnswer> {
  const { url, headers, body, timeoutMs } = upstream;
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(url, {
      method: 'POST',
      agent,
      headers: { ...headers(), 'Content-Length': String(Buffer.byteLength(body)) },
    });
    let connected = false;
    const giveUp = (): void => {
      reject(new JoinError(connected ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_UNREACHABLE', { cause: new Error('timed out') }));
      request.destroy();
    };
    const connectTimer = setTimeout(() => connected || giveUp(), connectTimeoutMs);
    const answerTimer = setTimeout(giveUp, timeoutMs);
    let answered = false;
    request.on('close', () => {
      clearTimeout(connectTimer);
      clearTimeout(answerTimer);
      // A switch of protocols (101) ends a request without an error.
      if (!answered) reject(new JoinError('UPSTREAM_UNREADABLE', { cause: new Error('closed without an answer') }));
    });
    request.on('socket', (socket) => {
      const standing = (): void => {
        connected = true;
      };
      if (request.reusedSocket) standing();
      else socket.once(secure ? 'secureConnect' : 'connect', standing);
    });
    request.on('error', (cause) => {
      if (request.reusedSocket) reject(new DeadConnection('UPSTREAM_UNAVAILABLE', { cause }));
      else reject(new JoinError(connected ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_UNREACHABLE', { cause }));
    });
    // Settled by the answer or by a time limit, whichever comes first.
    request.on('response', (response) => {
      answered = true;
      readAnswer(response).then(resolve, reject);
    });
    request.end(body);
  });
}

/** Reads until the end, the limit or a break. A body that broke off is an incomplete answer, not an error. */
function readAnswer(response: http.IncomingMessage): Promise<UpstreamAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    const finish = (complete: boolean): void => {
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), complete });
    };
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
      else {
        finish(false);
        response.destroy();
      }
    });
    response.on('end', () => finish(response.complete));
    response.on('error', () => finish(false));
    response.on('close', () => finish(false));
  });
}
