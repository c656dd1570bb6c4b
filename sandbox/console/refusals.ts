import * as v from 'valibot';
import type { RefusalView } from './state.ts';

const KEPT = 100;

/** The log line of a request that no call of RongCloud was made for. */
const logLine = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    message: v.literal('not joined'),
    timestamp: v.string(),
    door: v.string(),
    requestId: v.string(),
    groupId: v.optional(v.string()),
    status: v.number(),
    code: v.string(),
    cause: v.optional(v.string()),
    attempts: v.optional(v.never()),
  }),
);

/** The answer to such a request. */
const problem = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    requestId: v.string(),
    detail: v.string(),
    errors: v.optional(v.array(v.object({ pointer: v.string(), detail: v.string() })), []),
  }),
);

/** The newest requests that were refused before RongCloud was called: as a log line tells, and why, as the answer does. */
export class Refusals {
  readonly #newest: RefusalView[] = [];
  readonly #reasons = new Map<string, string>();

  /** Takes a line that the functions printed, of any kind. */
  hearLine(line: string): void {
    if (!line.includes('"not joined"')) return;
    const { success, output } = v.safeParse(logLine, line);
    if (!success) return;
    const { timestamp, message, attempts, ...refusal } = output;
    this.#newest.unshift({ at: Date.parse(timestamp), ...refusal });
    this.#newest.length = Math.min(this.#newest.length, KEPT);
  }

  /** Takes the body of an answer, of any kind. A log line has no reason where the caller is told all. */
  hearAnswer(body: string): void {
    const { success, output } = v.safeParse(problem, body);
    if (!success) return;
    const { requestId, detail, errors } = output;
    const faults = errors.map((error) => `${error.pointer} ${error.detail}`.trim());
    this.#reasons.set(requestId, faults.join(' ') || detail);
    const [oldest] = this.#reasons.keys();
    if (this.#reasons.size > KEPT && oldest !== undefined) this.#reasons.delete(oldest);
  }

  get newest(): readonly RefusalView[] {
    return this.#newest.map((refusal) => ({
      ...refusal,
      cause: refusal.cause ?? this.#reasons.get(refusal.requestId),
    }));
  }
}
