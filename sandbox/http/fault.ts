import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';

const common = {
  /** For how many calls; for all until told otherwise if absent. */
  calls: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  /** Carry the call out first, so that it happened although the caller can't know. */
  carryOut: v.optional(v.boolean()),
};

const fault = v.variant('kind', [
  v.strictObject({
    ...common,
    kind: v.literal('status'),
    status: v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)),
    body: v.optional(v.string()),
  }),
  v.strictObject({
    ...common,
    kind: v.literal('delay'),
    ms: v.pipe(v.number(), v.minValue(0), v.maxValue(60_000)),
  }),
  v.strictObject({ ...common, kind: v.literal('hang') }),
  v.strictObject({ ...common, kind: v.literal('cut') }),
  v.strictObject({ ...common, kind: v.literal('close') }),
]);

/** How a stand-in can be told to fail. */
export type Fault = v.InferOutput<typeof fault>;

/** What a person is told who sent something else. */
export const FAULT_RULE =
  'kind must be status (with status, body), delay (with ms), hang, cut or close; calls and carryOut may be added';

/** Reads what a person sent; undefined if it is no fault. */
export function parseFault(value: unknown): Fault | undefined {
  const result = v.safeParse(fault, value);
  return result.success ? result.output : undefined;
}

/**
 * Fails in place of an answer. Resolves to true when the call has been dealt with, and to false when it should go on
 * as usual (after a delay).
 */
export async function applyFault(fault: Fault, response: http.ServerResponse): Promise<boolean> {
  switch (fault.kind) {
    case 'status':
      response.writeHead(fault.status, { 'Content-Type': 'text/html' });
      response.end(fault.body ?? '<html><body>error</body></html>');
      return true;
    case 'delay':
      await sleep(fault.ms);
      return false;
    case 'hang':
      return true;
    case 'cut':
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 });
      response.write('{"code":200', () => response.socket?.destroy());
      return true;
    case 'close':
      response.socket?.destroy();
      return true;
  }
}

/** Makes a stand-in fail: for as many calls as it is told, or until it is told otherwise. */
export class FaultSwitch {
  #how: Fault | undefined;
  #asked = 0;
  #met = 0;

  /** How the next call is met; undefined: as usual. */
  get how(): Fault | undefined {
    return this.#how;
  }

  /** How many calls came, and how many of them were met with a fault. */
  get counts(): { asked: number; met: number } {
    return { asked: this.#asked, met: this.#met };
  }

  set(how: Fault | undefined): void {
    this.#how = how && { ...how };
  }

  /** To be called for each call: how this one is met. */
  next(): Fault | undefined {
    const how = this.#how;
    this.#asked += 1;
    if (how === undefined) return undefined;
    this.#met += 1;
    if (how.calls !== undefined) this.#how = how.calls > 1 ? { ...how, calls: how.calls - 1 } : undefined;
    return how;
  }
}
