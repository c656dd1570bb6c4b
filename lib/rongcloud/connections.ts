import type http from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * RongCloud asks for an idle connection to be dropped after 55 seconds, and for any before its 80th request (the vendor's
 * page "API Domains", on keep-alive).
 */
const MAX_IDLE_MS = 50_000;
const MAX_REQUESTS = 79;

/**
 * An agent's kept-alive connections, with their idle time by the wall clock: timers stand still while Lambda freezes an
 * environment. Node's own limits can't do this: `agentKeepAliveTimeoutBuffer` and `timeout` are timers, and an Agent of
 * Node 24 has no limit of requests for a connection. Once it has both, this class can go.
 */
export class Connections {
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
      return serverAgrees !== false && requests < MAX_REQUESTS;
    };
  }

  /** Closes connections that have been idle for so long that the server may have closed them too. */
  dropIdle(): void {
    this.#dropOlderThan(MAX_IDLE_MS);
  }

  /** Closes all idle connections. */
  dropAllIdle(): void {
    this.#dropOlderThan(0);
  }

  /** Node reuses the connection that became idle last, so it never meets a closed one before an open one. */
  #dropOlderThan(maxIdleMs: number): void {
    for (const sockets of Object.values(this.agent.freeSockets)) {
      for (const socket of sockets ?? []) {
        if (this.#now() - (this.#idleSince.get(socket) ?? 0) >= maxIdleMs) socket.destroy();
      }
    }
  }
}
