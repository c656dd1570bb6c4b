import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';

const common = {
  /** For how many calls; for all until told otherwise if absent. */
  calls: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  /** Carry the call out first, so that it happened although the caller can't know. */
  carryOut: v.optional(v.boolean()),
};

const misbehavior = v.variant('kind', [
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

/** How a stand-in can be told to misbehave. */
export type Misbehavior = v.InferOutput<typeof misbehavior>;

/** What a person is told who sent something else. */
export const MISBEHAVIOR_RULE =
  'kind must be status (with status, body), delay (with ms), hang, cut or close; calls and carryOut may be added';

/** Reads what a person sent; undefined if it is no misbehaviour. */
export function parseMisbehavior(value: unknown): Misbehavior | undefined {
  const result = v.safeParse(misbehavior, value);
  return result.success ? result.output : undefined;
}

/**
 * Misbehaves in place of an answer. Resolves to true when the call has been dealt with, and to false when it
 * should go on as usual (after a delay).
 */
export async function misbehave(how: Misbehavior, response: http.ServerResponse): Promise<boolean> {
  switch (how.kind) {
    case 'status':
      response.writeHead(how.status, { 'Content-Type': 'text/html' });
      response.end(how.body ?? '<html><body>error</body></html>');
      return true;
    case 'delay':
      await sleep(how.ms);
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
