import http from 'node:http';
import https from 'node:https';
import { type Clock, steadyMs } from '../clock.ts';
import { JoinError } from '../errors.ts';
import { Connections } from './connections.ts';
import type { UpstreamAnswer } from './return-codes.ts';

/** Reading an answer stops here: RongCloud's are a few hundred bytes. */
export const MAX_ANSWER_BYTES = 64 * 1024;
/** For each of a name's addresses. Node gives each but the last 250 ms, too little across an ocean. */
const ADDRESS_TIMEOUT_MS = 1000;

export interface TransportOptions {
  /** For lookup, connection and TLS together. */
  connectTimeoutMs?: number;
  clock: Clock;
}

export interface UpstreamRequest {
  url: URL;
  headers: Record<string, string>;
  body: string;
  /** How long the caller waits, from the start to the last byte of the answer. */
  timeoutMs: number;
  /** An answer is listened for this long, also after the caller's time is up. */
  listenMs?: number;
  /** Told of what came after the caller's time was up. */
  onLateAnswer?: (answer: UpstreamAnswer | JoinError) => void;
}

/**
 * A kept-alive connection broke before it gave an answer: the server had most likely closed it while it was idle. All
 * idle connections are closed then, so that the next sending gets a new one.
 */
export class DeadConnection extends JoinError {
  constructor(cause: unknown) {
    super('UPSTREAM_UNAVAILABLE', { cause });
  }
}

/**
 * Posts forms over kept-alive connections and gives what came back. Failures are values: UPSTREAM_UNREACHABLE when no
 * connection ever stood, UPSTREAM_TIMEOUT when no whole answer came in time, UPSTREAM_UNAVAILABLE when the connection
 * broke before an answer began (a DeadConnection if it was a reused one), UPSTREAM_UNREADABLE when an answer broke off,
 * is no HTTP, or never began on a connection that ended well. Redirects are not followed, and TLS is verified as Node
 * does by default.
 */
export interface Transport {
  post(request: UpstreamRequest): Promise<UpstreamAnswer | JoinError>;
  /** Closes what is kept open. */
  close(): void;
}

export function createTransport({ connectTimeoutMs = 2000, clock }: TransportOptions): Transport {
  const options = { keepAlive: true, autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS };
  const secure = new Connections(new https.Agent(options), clock);
  const plain = new Connections(new http.Agent(options), clock);

  return {
    async post(request) {
      const connections = request.url.protocol === 'https:' ? secure : plain;
      connections.dropIdle();
      const answer = await send(request, connections, connectTimeoutMs);
      if (answer instanceof DeadConnection) connections.dropAllIdle();
      return answer;
    },
    close() {
      secure.agent.destroy();
      plain.agent.destroy();
    },
  };
}

function send(
  upstream: UpstreamRequest,
  connections: Connections,
  connectTimeoutMs: number,
): Promise<UpstreamAnswer | JoinError> {
  const { url, headers, body, timeoutMs, listenMs = timeoutMs, onLateAnswer } = upstream;
  const secure = url.protocol === 'https:';
  return new Promise((settle) => {
    let isLate = false;
    const resolve = (answer: UpstreamAnswer | JoinError): void => (isLate ? onLateAnswer?.(answer) : settle(answer));
    const request = (secure ? https : http).request(url, {
      method: 'POST',
      agent: connections.agent,
      headers: { ...headers, 'Accept-Encoding': 'identity', 'Content-Length': String(Buffer.byteLength(body)) },
    });
    let connected = false;
    /** Whether a byte of an answer came, even if it is no whole head. */
    let hasBegun = false;
    const begin = (): void => {
      hasBegun = true;
    };
    const giveUp = (): void => {
      const code = connected ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_UNREACHABLE';
      resolve(new JoinError(code, { cause: new Error('timed out') }));
      request.destroy();
    };
    /** What was never connected would else be sent after the caller was told that it was not. */
    const stopWaiting = (): void => {
      if (!connected || listenMs <= timeoutMs) {
        giveUp();
        return;
      }
      resolve(new JoinError('UPSTREAM_TIMEOUT', { cause: new Error('timed out') }));
      isLate = true;
      listenTimer = startTimer(giveUp, listenMs - timeoutMs);
    };
    const waitTimer = startTimer(stopWaiting, timeoutMs);
    let connectTimer: Timer | undefined;
    let listenTimer: Timer | undefined;
    let answered = false;
    request.on('close', () => {
      for (const timer of [waitTimer, connectTimer, listenTimer]) timer?.stop();
      request.socket?.off('data', begin);
      // A switch of protocols (101) ends a request without an error.
      if (!answered) resolve(new JoinError('UPSTREAM_UNREADABLE', { cause: new Error('closed without an answer') }));
    });
    request.on('socket', (socket) => {
      connected = request.reusedSocket;
      socket.once('data', begin);
      if (connected) return;
      connectTimer = startTimer(giveUp, connectTimeoutMs);
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        connected = true;
        connectTimer?.stop();
      });
    });
    request.on('error', (cause: NodeJS.ErrnoException) => {
      // The codes of Node's HTTP parser, which reads the first bytes before anyone else.
      if (hasBegun || cause.code?.startsWith('HPE_')) resolve(new JoinError('UPSTREAM_UNREADABLE', { cause }));
      else if (request.reusedSocket) resolve(new DeadConnection(cause));
      else resolve(new JoinError(connected ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_UNREACHABLE', { cause }));
    });
    // Settled by the answer or by a time limit, whichever comes first.
    request.on('response', (response) => {
      answered = true;
      connections.heed(response.socket, String(response.headers['keep-alive']));
      void readAnswer(response).then(resolve);
    });
    request.end(body);
  });
}

/** A timer that is this late woke up with a process that stood still, as Lambda's environments do between invocations. */
const STOOD_STILL_MS = 100;
/** An answer that came meanwhile then has this long to be read. */
const GRACE_MS = 500;

interface Timer {
  stop(): void;
}

/** Calls `done` after so long, once what had come by then could be read. */
function startTimer(done: () => void, ms: number): Timer {
  const dueAt = steadyMs() + ms;
  let timer = setTimeout(() => {
    timer = setTimeout(done, steadyMs() - dueAt > STOOD_STILL_MS ? GRACE_MS : 0);
  }, ms);
  return { stop: () => clearTimeout(timer) };
}

/** Reads until the end, the limit or a break. */
function readAnswer(response: http.IncomingMessage): Promise<UpstreamAnswer | JoinError> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let fault: unknown;
  return new Promise((resolve) => {
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
      else response.destroy();
    });
    response.on('error', (error) => {
      fault = error;
    });
    // Comes after the end and after a break alike.
    response.on('close', () => {
      const isTooLong = bytes > MAX_ANSWER_BYTES;
      if (!response.complete && !isTooLong) {
        // Made only here: an error costs a tenth of a warm call.
        resolve(new JoinError('UPSTREAM_UNREADABLE', { cause: fault ?? new Error('the answer broke off') }));
        return;
      }
      const body = Buffer.concat(chunks).toString('utf8');
      resolve({ status: response.statusCode ?? 0, body, complete: !isTooLong });
    });
  });
}
