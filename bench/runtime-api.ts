import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

// How Lambda starts Node.
const FLAGS = ['--no-experimental-require-module', '--no-experimental-detect-module'];
const RUNTIME = fileURLToPath(new URL('../node_modules/.bench/runtime.mjs', import.meta.url));
const REMAINING_MS = 15_000;

/** What a process has used since it began. */
export interface Usage {
  cpuMicroseconds: number;
  peakKilobytes: number;
}

/** A handler in a fresh process, fed by a Runtime API of its own. */
export interface Environment {
  /** From the start of the process to its first request for an event. */
  readyMs: number;
  /** Hands over an event; the answer, and the time until it was there. */
  invoke(event: object): Promise<{ answer: unknown; ms: number }>;
  usage(): Promise<Usage>;
  /** Lets the process end by itself, so that it writes a profile if Node was told to. */
  close(): Promise<void>;
}

interface Pending {
  event: string;
  startedAt: number;
  resolve(result: { answer: unknown; ms: number }): void;
}

/** Starts a handler file as Lambda would, and waits until it asks for its first event. */
export async function startEnvironment(handlerFile: string, env: Record<string, string>): Promise<Environment> {
  let waiting: http.ServerResponse | undefined;
  let pending: Pending | undefined;
  let ready: () => void = () => {};
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const deliver = (): void => {
    if (!waiting || !pending) return;
    waiting.setHeader('Lambda-Runtime-Aws-Request-Id', 'bench-1');
    waiting.setHeader('Lambda-Runtime-Deadline-Ms', String(Date.now() + REMAINING_MS));
    pending.startedAt = performance.now();
    waiting.end(pending.event);
    waiting = undefined;
  };
  const server = http.createServer((request, response) => {
    if (request.method === 'GET') {
      waiting = response;
      ready();
      deliver();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const done = pending;
      pending = undefined;
      if (done) {
        const ms = performance.now() - done.startedAt;
        done.resolve({ answer: JSON.parse(Buffer.concat(chunks).toString('utf8')), ms });
      }
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const startedAt = performance.now();
  const child: ChildProcess = spawn(process.execPath, [...FLAGS, RUNTIME], {
    env: {
      ...env,
      NODE_OPTIONS: process.env.NODE_OPTIONS,
      _HANDLER: handlerFile,
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
    },
    stdio: 'ignore',
  });
  await Promise.race([
    isReady,
    once(child, 'exit').then(() => {
      throw new Error(`${handlerFile} did not start`);
    }),
  ]);
  const readyMs = performance.now() - startedAt;
  const invoke: Environment['invoke'] = (event) =>
    new Promise((resolve) => {
      pending = { event: JSON.stringify(event), startedAt: 0, resolve };
      deliver();
    });
  return {
    readyMs,
    invoke,
    async usage() {
      const { answer } = await invoke({ bench: 'usage' });
      return answer as Usage;
    },
    async close() {
      const exited = once(child, 'exit');
      void invoke({ bench: 'end' });
      await exited;
      server.closeAllConnections();
      server.close();
    },
  };
}
