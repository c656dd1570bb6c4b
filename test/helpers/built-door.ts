import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ruleEnvironment } from '../../sandbox/lambda/rule-environment.ts';
import { expectDescribedError, expectDescribedResult, expectSaid } from './described-doors.ts';

const PROCESS = fileURLToPath(new URL('./door-process.mjs', import.meta.url));
// How Lambda starts Node.
const FLAGS = ['--no-experimental-require-module', '--no-experimental-detect-module'];

/** A line that a door printed: a log line, or metrics in CloudWatch's embedded format if it has `_aws`. */
export type Line = Record<string, unknown> & {
  _aws?: {
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[];
  };
};

export interface DoorAnswer {
  result?: { statusCode?: number; headers?: Record<string, string>; body?: string } & Record<string, unknown>;
  /** The most memory that the process has had, if there is a result. */
  peakBytes?: number;
  error?: { name: string; message: string; stack: string };
  logs: Line[];
  metrics: Line[];
}

const DIST = new URL('../../dist/', import.meta.url);

/** Makes the HTTP door meet a bug of its own when it comes to the event's body. */
export const withBug = (event: object): object => ({ ...event, bug: true });

/** A door of `dist/` in a process of its own, as Lambda runs it. */
export interface BuiltDoor {
  /** `laterMs`: how much later than now it is for the door. */
  invoke(event: unknown, remainingMs?: number, laterMs?: number): Promise<DoorAnswer>;
  /** All that it has printed. */
  output(): string;
  close(): Promise<void>;
}

export async function startBuiltDoor(
  door: 'http' | 'invoke' | 'queue',
  env: Record<string, string>,
  dist = DIST,
): Promise<BuiltDoor> {
  const bundle = new URL(`${door}.mjs`, dist).href;
  const child = fork(PROCESS, [bundle], {
    env: { ...ruleEnvironment(), ...env },
    execArgv: FLAGS,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let printed = '';
  child.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    printed += chunk;
  });
  await once(child, 'message');
  let seen = 0;
  return {
    async invoke(event, remainingMs = 15_000, laterMs = 0) {
      child.send({ event, remainingMs, laterMs });
      const [answer]: Omit<DoorAnswer, 'logs' | 'metrics'>[] = await once(child, 'message');
      if (answer) expectDescribedAnswer(door, answer);
      // What was printed comes by another way than the answer.
      await new Promise((resolve) => setTimeout(resolve, 30));
      const lines = printed.slice(seen).split('\n');
      seen = printed.length;
      const parsed: Line[] = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
      return {
        ...answer,
        logs: parsed.filter(({ _aws }) => !_aws),
        metrics: parsed.filter(({ _aws }) => _aws),
      };
    },
    output: () => printed,
    async close() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

function expectDescribedAnswer(door: string, { result, error }: Pick<DoorAnswer, 'result' | 'error'>): void {
  if (door === 'http') expectDescribedResult(result ?? {});
  if (door === 'invoke' && error) expectDescribedError(error.name, error.message);
  if (door === 'invoke' && !error) expectSaid('InvokeAnswer', result);
}
