import type http from 'node:http';
import type { State } from './state.ts';

const MAX_READERS = 20;

/**
 * Tells readers how the sandbox is and what changes, as server-sent events. An event holds the parts of the state that
 * are not as the reader was told last; the first holds all. A reader that takes what it is sent too slowly misses what
 * is no longer so, and costs no memory.
 */
export class Stream {
  readonly #look: () => State;
  readonly #everyMs: number;
  /** What each reader was told last, part by part. */
  readonly #readers = new Map<http.ServerResponse, Map<string, string>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(look: () => State, everyMs = 150) {
    this.#look = look;
    this.#everyMs = everyMs;
  }

  /** Adds a reader; false if there are too many. */
  add(response: http.ServerResponse): boolean {
    if (this.#readers.size >= MAX_READERS) return false;
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' });
    this.#readers.set(response, new Map());
    response.on('close', () => this.#readers.delete(response));
    this.#timer ??= setTimeout(() => this.#tell(), 0);
    return true;
  }

  #tell(): void {
    this.#timer = undefined;
    if (this.#readers.size === 0) return;
    const start = performance.now();
    const parts = Object.entries(this.#look()).map(([name, value]) => [name, JSON.stringify(value)] as const);
    for (const [response, told] of this.#readers) {
      if (response.writableNeedDrain) continue;
      const news = parts.filter(([name, text]) => told.get(name) !== text);
      for (const [name, text] of news) told.set(name, text);
      if (news.length > 0) response.write(`data: {${news.map(([name, text]) => `"${name}":${text}`).join()}}\n\n`);
    }
    // Most of the time is left to the rest of the sandbox, however much there is to look at.
    const tookMs = performance.now() - start;
    this.#timer = setTimeout(() => this.#tell(), Math.max(this.#everyMs, 10 * tookMs));
  }
}
