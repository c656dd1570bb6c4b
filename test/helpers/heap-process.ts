import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { httpEvent } from './http-event.ts';

/** What a batch of calls left behind. */
export interface HeapReport {
  statuses: unknown[];
  heapBytes: number;
}

/** Calls to the built HTTP door, one for each token. */
export interface HeapCalls {
  groupId: string;
  tokens: string[];
}

// The built HTTP door in one environment: `node --expose-gc heap-process.ts <url of the bundle>`, driven over IPC.
const { handler } = await import(process.argv[2] ?? '');
process.on('message', async ({ groupId, tokens }: HeapCalls) => {
  const statuses = new Set<unknown>();
  for (const token of tokens) {
    const event = httpEvent({ headers: { authorization: `Bearer ${token}` }, pathParameters: { groupId } });
    const context = { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => 15_000 };
    statuses.add((await handler(event, context)).statusCode);
  }
  tokens.length = 0;
  // What the last call ends with, as its connection does, is not part of what calls leave behind.
  await setImmediate();
  globalThis.gc?.();
  const report: HeapReport = { statuses: [...statuses], heapBytes: process.memoryUsage().heapUsed };
  process.send?.(report);
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
