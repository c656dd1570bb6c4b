import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Target } from '../http/forward.ts';
import { listen } from '../http/server.ts';
import { ruleEnvironment } from './rule-environment.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUARD = new URL('./offline-guard.ts', import.meta.url).href;
const SERVERLESS = fileURLToPath(new URL('../../node_modules/serverless/bin/serverless.js', import.meta.url));
/** Where osls keeps the validator that it makes from its schema: otherwise it makes one at each start. */
export const SCHEMA_CACHE = fileURLToPath(new URL('../../node_modules/.cache/osls', import.meta.url));
export const STAGE = 'local';

export interface OfflineOptions {
  /** Stage parameters of serverless.yml. */
  params: Record<string, string>;
  /** Where the AWS SDKs in the functions find their services. */
  awsUrl: string;
  /** What the functions' AWS SDKs send along as the session's token. */
  awsSessionToken: string;
  /** Gets each line that the process prints: the functions' logs, which are JSON, and serverless-offline's own. */
  onOutput: (line: string) => void;
  /** Told when the process ends by itself. */
  onExit: () => void;
}

/** The built functions in a process of serverless-offline, whose ports hear only who has the key. */
export interface Offline {
  http: Target;
  invoke: Target;
  close(): Promise<void>;
}

const MAX_STARTS = 3;

export async function startOffline(options: OfflineOptions): Promise<Offline> {
  for (let start = 1; ; start++) {
    try {
      return await startOnce(options);
    } catch (error) {
      // Between the look for a free port and its use, another process may have taken it.
      if (start === MAX_STARTS || !String(error).includes('EADDRINUSE')) throw error;
    }
  }
}

async function startOnce(options: OfflineOptions): Promise<Offline> {
  const { params, awsUrl, awsSessionToken, onOutput, onExit } = options;
  // A copy: the next build may take the place of what runs. And a home, since osls writes into one.
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  await cp(`${ROOT}dist`, join(folder, 'dist'), { recursive: true });
  const key = randomUUID();
  const [httpPort, lambdaPort] = await freePorts();
  const flags = [
    ...['--stage', STAGE, '--host', '127.0.0.1'],
    ...['--httpPort', String(httpPort), '--lambdaPort', String(lambdaPort)],
    ...['--noPrependStageInUrl', '--noSponsor', '--disableCookieValidation'],
    ...Object.entries(params).map(([name, value]) => `--param=${name}=${value}`),
  ];
  const child = spawn(process.execPath, ['--import', GUARD, SERVERLESS, 'offline', ...flags], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...ruleEnvironment(),
      PATH: process.env.PATH,
      HOME: folder,
      SANDBOX_FOLDER: folder,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_SESSION_TOKEN: awsSessionToken,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: awsUrl,
      AWS_ENDPOINT_URL_SQS: awsUrl,
      AWS_ENDPOINT_URL_EVENTBRIDGE: awsUrl,
      SLS_TELEMETRY_DISABLED: '1',
      SLS_SCHEMA_CACHE_BASE_DIR: SCHEMA_CACHE,
      SANDBOX_KEY: key,
    },
  });
  const abandon = (): void => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', abandon);
  const close = async (): Promise<void> => {
    process.off('exit', abandon);
    child.off('exit', onExit);
    await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  await ready(child, onOutput).catch(async (error) => {
    await close();
    throw error;
  });
  child.once('exit', onExit);
  return {
    http: { url: `http://127.0.0.1:${httpPort}`, key },
    invoke: { url: `http://127.0.0.1:${lambdaPort}`, key },
    close,
  };
}

/** Waits until both doors listen. What serverless-offline says is shown only if it fails to start. */
function ready(child: ChildProcess, onOutput: (line: string) => void): Promise<void> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`serverless-offline did not start:\n${said.join('\n')}`)));
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (said.length < 200) said.push(line);
        onOutput(line);
        if (line.includes('Server ready')) resolve();
      });
    }
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exited;
  clearTimeout(timer);
}

/** Two ports that nobody listens on: serverless-offline can't be asked which it got. */
async function freePorts(): Promise<[number, number]> {
  const [first, second] = await Promise.all([listen(0, () => {}), listen(0, () => {})]);
  await Promise.all([first.close(), second.close()]);
  return [first.port, second.port];
}
