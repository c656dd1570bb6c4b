import type http from 'node:http';
import { EventBus } from '../../sandbox/aws/event-bus.ts';
import { SqsQueue } from '../../sandbox/aws/sqs/queue.ts';
import { startConsole } from '../../sandbox/console/console.ts';
import { Refusals } from '../../sandbox/console/refusals.ts';
import type { ConsoleParts } from '../../sandbox/console/snapshot.ts';
import type { FaultName, State } from '../../sandbox/console/state.ts';
import { FaultSwitch } from '../../sandbox/http/fault.ts';
import { listen, readBody, sendJson } from '../../sandbox/http/server.ts';
import { ImApp } from '../../sandbox/rongcloud/app.ts';
import { startImService } from '../../sandbox/rongcloud/service.ts';

export interface DoorRequest {
  url: string | undefined;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** A console over stand-ins, with a door that keeps what it was asked and joins nobody; `real` without an IM service. */
export async function startConsoleBed({ real = false } = {}) {
  const asked: DoorRequest[] = [];
  const door = await listen(0, async (request, response) => {
    asked.push({ url: request.url, headers: request.headers, body: (await readBody(request)).toString('utf8') });
    sendJson(response, 202, { queued: [] }, { 'X-Request-ID': 'r-1', 'X-Other': 'no' });
  });
  const app = new ImApp({ appKey: 'bed-key', appSecret: 'bed-secret' });
  const [primary, backup] = await Promise.all([startImService(app, 0, { keptCalls: 5 }), startImService(app)]);
  const deadLetterQueue = new SqsQueue({ name: 'dead', visibilityTimeoutMs: 30_000 });
  const queue = new SqsQueue({ name: 'joins', visibilityTimeoutMs: 30_000 });
  const bus = new EventBus('results');
  const claims: object[] = [];
  const faults = new Map<FaultName, FaultSwitch>([
    ...(real ? [] : [['rongcloud-primary', primary.fault] as const, ['rongcloud-backup', backup.fault] as const]),
    ['secrets-manager', new FaultSwitch()],
    ['issuer', new FaultSwitch()],
  ]);
  const refusals = new Refusals();
  const functions = {
    startedAt: 0,
    renew() {
      functions.startedAt = Date.now();
      return Promise.resolve();
    },
  };
  const parts: ConsoleParts = {
    httpUrl: door.url,
    im: real ? undefined : { primary, backup },
    dataCenter: real ? 'singapore' : undefined,
    sample: undefined,
    ...{ faults, queue, deadLetterQueue, events: bus.events, refusals, functions },
    token(asked) {
      claims.push(asked);
      return Promise.resolve('token');
    },
  };
  const server = await startConsole(0, parts);
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/_sandbox/${path}`, {
      method,
      headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return {
    ...{
      url: server.url,
      port: server.port,
      door,
      asked,
      claims,
      app,
      primary,
      backup,
      queue,
      deadLetterQueue,
      bus,
      faults,
      refusals,
    },
    ask,
    /** The status of an answer, and why it refused. */
    async refusal(method: string, path: string, body?: unknown): Promise<[number, string]> {
      const response = await ask(method, path, body);
      if (response.status === 204) return [204, ''];
      const { error }: { error: string } = JSON.parse(await response.text());
      return [response.status, error];
    },
    async state(): Promise<State> {
      return JSON.parse(await (await ask('GET', 'state')).text());
    },
    async close() {
      for (const part of [server, door, primary, backup]) await part.close();
    },
  };
}
