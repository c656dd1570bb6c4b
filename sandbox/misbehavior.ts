import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';

const common = {
  /** For how many calls; for all until told otherwise if absent. */
  calls: z.optional(z.int().check(z.positive())),
  /** Carry the call out first, so that it happened although the caller can't know. */
  carryOut: z.optional(z.boolean()),
};

const misbehavior = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal('status'),
    status: z.int().check(z.gte(200), z.lte(599)),
    body: z.optional(z.string()),
  }),
  z.strictObject({ ...common, kind: z.literal('delay'), ms: z.number().check(z.nonnegative(), z.lte(60_000)) }),
  z.strictObject({ ...common, kind: z.literal('hang') }),
  z.strictObject({ ...common, kind: z.literal('cut') }),
  z.strictObject({ ...common, kind: z.literal('close') }),
]);

/** How a stand-in can be told to misbehave. */
export type Misbehavior = z.infer<typeof misbehavior>;

/** What a person is told who sent something else. */
export const MISBEHAVIOR_RULE =
  'kind must be status (with status, body), delay (with ms), hang, cut or close; calls and carryOut may be added';

/** Reads what a person sent; undefined if it is no misbehaviour. */
export function parseMisbehavior(value: unknown): Misbehavior | undefined {
  return misbehavior.safeParse(value).data;
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
