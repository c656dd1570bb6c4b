import type http from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock, Moment } from '../clock.ts';

/**
 * RongCloud asks for an idle connection to be dropped after 55 seconds, and for any before its 80th request (the vendor's
 * page "API Domains", on keep-alive).
 */
const MAX_IDLE_MS = 50_000;
const MAX_REQUESTS = 79;
/** A connection is dropped this long before the server says that it closes it. */
const HINT_MARGIN_MS = 1000;

/** What is known of one connection. */
interface Use {
  requests: number;
  idleSince: Moment | undefined;
  maxIdleMs: number;
}

/**
 * An agent's kept-alive connections, with their idle time by the clock: timers stand still while Lambda freezes an
 * environment. Node's own limits can't do this: `agentKeepAliveTimeoutBuffer` and `timeout` are timers, and an Agent of
 * Node 24 has no limit of requests for a connection. Once it has both, this class can go.
 */
export class Connections {
  readonly agent: http.Agent;
  readonly #clock: Clock;
  readonly #uses = new WeakMap<Duplex, Use>();

  constructor(agent: http.Agent, clock: Clock) {
    this.agent = agent;
    this.#clock = clock;
    const keepAlive = agent.keepSocketAlive.bind(agent);
    // Node calls this when a request is over, and closes the connection if the answer is false.
    agent.keepSocketAlive = (socket: Duplex): boolean => {
      const use = this.#useOf(socket);
      use.requests += 1;
      use.idleSince = this.#clock.now();
      const serverAgrees: unknown = keepAlive(socket);
      return serverAgrees !== false && use.requests < MAX_REQUESTS;
    };
  }

  /** Heeds how long the server keeps a connection (RFC 2068, section 19.7.1.1: `Keep-Alive: timeout=5`). */
  heed(socket: Duplex, keepAlive: string): void {
    const [, seconds] = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})/i.exec(keepAlive) ?? [];
    if (seconds === undefined) return;
    this.#useOf(socket).maxIdleMs = Math.min(MAX_IDLE_MS, Number(seconds) * 1000 - HINT_MARGIN_MS);
  }

  /** Closes connections that have been idle for so long that the server may have closed them too. */
  dropIdle(): void {
    this.#drop(({ idleSince, maxIdleMs }) => !this.#clock.isWithin(maxIdleMs, idleSince));
  }

  /** Closes all idle connections. */
  dropAllIdle(): void {
    this.#drop(() => true);
  }

  /** Node reuses the connection that became idle last, so it never meets a closed one before an open one. */
  #drop(isOld: (use: Use) => boolean): void {
    for (const sockets of Object.values(this.agent.freeSockets)) {
      for (const socket of sockets ?? []) if (isOld(this.#useOf(socket))) socket.destroy();
    }
  }

  #useOf(socket: Duplex): Use {
    let use = this.#uses.get(socket);
    if (!use) {
      use = { requests: 0, idleSince: undefined, maxIdleMs: MAX_IDLE_MS };
      this.#uses.set(socket, use);
    }
    return use;
  }
}
