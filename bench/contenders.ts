import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildFunctions } from '../build.ts';
import type { StandIns } from './stand-ins.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Out of sight of git and of the linter. */
const OUT = `${ROOT}node_modules/.bench`;

/** One of those that are compared, and what it is deployed as. */
export interface Contender {
  name: 'ours' | 'naive' | 'floor';
  file: string;
  packageBytes: number;
  packageFiles: number;
}

/** Builds what is compared: ours as it is packaged, the others with esbuild's defaults. */
export async function buildContenders(): Promise<Contender[]> {
  await rm(OUT, { recursive: true, force: true });
  await buildFunctions();
  const common = { bundle: true, platform: 'node', target: 'node24', logLevel: 'error', absWorkingDir: ROOT } as const;
  await build({ ...common, entryPoints: ['bench/runtime.ts'], format: 'esm', outfile: `${OUT}/runtime.mjs` });
  for (const name of ['naive', 'floor']) {
    await build({ ...common, entryPoints: [`bench/contenders/${name}.ts`], outfile: `${OUT}/${name}/index.cjs` });
  }
  return [
    { name: 'ours', file: `${ROOT}dist/http.mjs`, ...(await weigh(`${ROOT}dist`)) },
    { name: 'naive', file: `${OUT}/naive/index.cjs`, ...(await weigh(`${OUT}/naive`)) },
    { name: 'floor', file: `${OUT}/floor/index.cjs`, ...(await weigh(`${OUT}/floor`)) },
  ];
}

async function weigh(folder: string): Promise<{ packageBytes: number; packageFiles: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.map'));
  const sizes = await Promise.all(files.map(async (file) => (await stat(`${file.parentPath}/${file.name}`)).size));
  return { packageBytes: sizes.reduce((sum, size) => sum + size, 0), packageFiles: files.length };
}

/** Starts the stand-ins; they end with `close`. */
export async function startStandIns(): Promise<StandIns & { close(): void }> {
  const child = fork(fileURLToPath(new URL('./stand-ins.ts', import.meta.url)));
  const [standIns]: StandIns[] = await once(child, 'message');
  if (!standIns) throw new Error('the stand-ins did not start');
  return { ...standIns, close: () => child.disconnect() };
}

/** A request to the HTTP door, as API Gateway hands it over. */
export function httpEvent(token: string, body?: string): object {
  return {
    version: '2.0',
    routeKey: 'POST /groups/{groupId}/members',
    rawPath: '/groups/team-1/members',
    rawQueryString: '',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      host: 'api.example',
      'user-agent': 'bench',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
    },
    pathParameters: { groupId: 'team-1' },
    requestContext: { http: { method: 'POST', path: '/groups/team-1/members' }, requestId: 'r', stage: '$default' },
    ...(body !== undefined && { body }),
    isBase64Encoded: false,
  };
}
