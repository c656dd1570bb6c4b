import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a stand-in can be told to misbehave. */
export type Misbehavior = {
  /** For how many calls; for all until told otherwise if absent. */
  calls?: number;
  /** Carry the call out first, so that it happened although the caller can't know. */
  carryOut?: boolean;
} & (
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  | { kind: 'delay'; ms: number }
  | { kind: 'hang' }
  | { kind: 'cut' }
  | { kind: 'close' }
);

export const MISBEHAVIORS = ['status', 'delay', 'hang', 'cut', 'close'] as const;

/** Reads what a person sent; undefined if it is no misbehaviour. */
export function parseMisbehavior(value: unknown): Misbehavior | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
  const candidate = value as Misbehavior;
  if (!MISBEHAVIORS.includes(candidate.kind)) return undefined;
  if (candidate.kind === 'status' && !Number.isInteger(candidate.status)) return undefined;
  if (candidate.kind === 'delay' && !Number.isFinite(candidate.ms)) return undefined;
  return candidate;
}

/**
 * Misbehaves in place of an answer. Resolves to true when the call has been dealt with, and to false when it
 * should go on as usual (after a delay).
 */
export async function misbehave(how: Misbehavior, response: http.ServerResponse): Promise<boolean> {
  switch (how.kind) {
    case 'status':
      response.writeHead(how.status, { 'Content-Type': 'text/html', ...how.headers });
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
