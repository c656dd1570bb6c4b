import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Listener, listen } from '../../sandbox/http/server.ts';
import { startApiGateway } from '../../sandbox/lambda/api-gateway.ts';
import { EventSourceMappings } from '../../sandbox/lambda/event-source-mappings.ts';
import { startLambdaInvoke } from '../../sandbox/lambda/invoke.ts';
import { ruleEnvironment } from '../../sandbox/lambda/rule-environment.ts';
import { MEMBER, memberGroup } from '../helpers/claims.ts';
import { awsClis, createShell } from '../helpers/printed-commands.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm start` says in a folder before it gives up. */
function refusal(folder: string, env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [join(folder, 'sandbox/start.mjs')],
      { env, timeout: 15_000 },
      (error, stdout, stderr) =>
        error?.code === 1 ? resolve(stdout + stderr) : reject(error ?? new Error('it did not give up')),
    );
  });
}

describe('npm start', () => {
  it('says what to run where packages are missing, all or those for development', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'start-'));
    mkdirSync(join(folder, 'sandbox'));
    for (const file of ['package.json', 'sandbox/start.mjs']) cpSync(join(ROOT, file), join(folder, file));
    const line = 'Some packages are not installed. Run this first: npm ci (without --omit=dev)\n';
    expect(await refusal(folder)).toBe(line);
    mkdirSync(join(folder, 'node_modules/valibot'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/valibot/package.json'), '{}');
    expect(await refusal(folder)).toBe(line);
  });

  it('looks at all of its ports before it builds', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = Object(other.address());
    const before = statSync(`${ROOT}dist`).ino;
    expect(await refusal(ROOT, { PORT: String(port - 5) })).toMatch(/^Port \d+ is in use\. Set PORT to .+\n$/);
    expect(statSync(`${ROOT}dist`).ino).toBe(before);
    other.close();
  });

  it('says how long it takes before it builds, and keeps the real App Secret from what builds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'start-'));
    const esbuild = join(folder, 'esbuild');
    writeFileSync(esbuild, `#!/bin/sh\nenv > ${folder}/environment\nexit 1\n`, { mode: 0o755 });
    const said = await refusal(ROOT, {
      PATH: process.env.PATH ?? '',
      // Below the ports that systems give at random.
      PORT: String(10_000 + Math.floor(Math.random() * 20_000)),
      ESBUILD_BINARY_PATH: esbuild,
      RONGCLOUD_APP_KEY: 'planted-key',
      RONGCLOUD_APP_SECRET: 'planted-secret',
      RONGCLOUD_DATA_CENTER: 'singapore',
    });
    expect(said).toMatch(/^Building and starting takes .+ seconds\. Ctrl-C stops everything\.\n/);
    const inherited = readFileSync(join(folder, 'environment'), 'utf8');
    expect(inherited).toContain('planted-key');
    expect(inherited).not.toContain('planted-secret');
  });

  it('fits on a screen, and its commands run as they are printed', { timeout: 120_000 }, async () => {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const child = spawn(process.execPath, [join(ROOT, 'sandbox/start.mjs')], {
      // A first join that the rule allows, whichever rule it is.
      env: {
        ...ruleEnvironment(),
        PATH: process.env.PATH,
        PORT: String(port),
        SAMPLE_CLAIMS: JSON.stringify(MEMBER),
        SAMPLE_GROUP: memberGroup('1'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk;
      });
    }
    try {
      await expect.poll(() => said, { timeout: 60_000 }).toContain('/members');
      // npm says two lines of its own, between two empty ones. Claims of one's own may take a row more.
      const rows = said
        .trimEnd()
        .split('\n')
        .reduce((sum, line) => sum + (line.includes('claims=') ? 1 : Math.max(1, Math.ceil(line.length / 80))), 4);
      expect(rows).toBeLessThanOrEqual(24);
      const blocks = [...said.matchAll(/:\n((?: {2}.+\n)+)/g)].map(([, commands = '']) => commands);
      expect(blocks).toHaveLength(2);
      const [forAws = '', again = ''] = blocks;
      for (const cli of awsClis().slice(0, 1)) {
        const { stdout, stderr } = await createShell(cli, {}).run(`${forAws}
aws sqs list-queues
aws secretsmanager describe-secret --secret-id rongcloud/app
aws lambda list-event-source-mappings`);
        expect(stderr).toBe('');
        for (const name of ['failed-invocations', 'AWSCURRENT', '"Enabled"']) expect(stdout).toContain(name);
      }
      const answer = await promisify(execFile)('sh', ['-c', again]);
      expect(answer.stdout).toContain('HTTP/1.1 200 OK');
      expect(said).toContain(`Joined alice to ${memberGroup('1')}: 200.`);
    } finally {
      child.kill('SIGINT');
      await once(child, 'exit');
    }
  });

  it('refuses what makes no sense in one line', async () => {
    expect(await refusal(ROOT, { RONGCLOUD_APP_KEY: 'key' })).toMatch(/^To call the real RongCloud, set .+\n$/);
  });
});

it('npm ci says nothing of the Node.js that runs it: all scripts run on the one that it brings', {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ci-'));
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    writeFileSync(join(folder, file), text.replace('"node": ">=22"', '"node": ">=99"'));
  }
  const env = { PATH: process.env.PATH, HOME: folder };
  const { stdout, stderr } = await promisify(execFile)('npm', ['ci', '--dry-run', '--offline'], { cwd: folder, env });
  expect(stdout).toMatch(/^added \d+ packages/m);
  expect(stderr).toBe('');
});

describe('a failure that no function has logged', () => {
  const answering =
    (status: number, body: object): Listener =>
    (_request, response) => {
      const headers = { 'x-amz-function-error': 'Unhandled' };
      response.writeHead(status, headers).end(JSON.stringify(body));
    };
  const FUNCTION = '/2015-03-31/functions/f/invocations';

  /** What the fronts of a function's server answer and say. */
  async function through(server: Listener | undefined, url?: string): Promise<{ statuses: number[]; said: string[] }> {
    const started = await listen(0, server ?? (() => {}));
    if (!server) await started.close();
    const behind = { ...started, ...(url !== undefined && { url }) };
    const said: string[] = [];
    const onTrouble = (line: string) => void said.push(line);
    const onProblem = () => {};
    const cors = { origins: [], headers: [] };
    const http = await startApiGateway(0, { target: () => behind, cors, atRoot: () => '', onProblem, onTrouble });
    const target = {
      ...behind,
      functionNames: ['f'],
      mappings: new EventSourceMappings(),
      onFailure: () => {},
      ...{ onProblem, onTrouble },
    };
    const lambda = await startLambdaInvoke(0, () => target);
    const post = async (url: string) => (await fetch(url, { method: 'POST', body: '{}' })).status;
    const statuses = [await post(`${http.url}/groups/g/members`), await post(lambda.url + FUNCTION)];
    await Promise.all([http.close(), lambda.close(), ...(server ? [behind.close()] : [])]);
    return { statuses, said };
  }

  it('is told in a line while the functions are still starting', async () => {
    const { statuses, said } = await through(undefined, '');
    expect(statuses[0]).toBe(503);
    expect(said[0]).toBe('The HTTP door answers 503. It is still starting.');
  });

  it('is told of in a line where the functions are gone', async () => {
    const { statuses, said } = await through(undefined);
    expect(statuses).toEqual([503, 500]);
    expect(said).toEqual([
      expect.stringMatching(/^The HTTP door answers 503\. .+ECONNREFUSED/),
      expect.stringMatching(/^The function f can't be reached: .+ECONNREFUSED/),
    ]);
  });

  it('is told of in a line, with its place, where a function can not start', async () => {
    const stack = [
      'Error: JWT_ISSUER is missing',
      '    at Module.load (node:internal:1:1)',
      '    at /x/dist/http.cjs:1:9',
    ];
    const failure = { errorMessage: 'JWT_ISSUER is missing', stackTrace: stack, trace: stack };
    const { statuses, said } = await through(answering(502, failure));
    expect(statuses).toEqual([500, 200]);
    expect(said).toEqual([
      'The HTTP door answers 500. Its function failed: JWT_ISSUER is missing at /x/dist/http.cjs:1:9',
      'The function f failed: JWT_ISSUER is missing at /x/dist/http.cjs:1:9',
    ]);
  });

  it('is none where the function has logged it', async () => {
    const problem = JSON.stringify({ code: 'UPSTREAM_REJECTED' });
    const server: Listener = (request, response) => {
      if (request.url === FUNCTION) answering(200, { errorMessage: problem })(request, response);
      else response.writeHead(500, { 'x-request-id': 'r' }).end('{}');
    };
    expect(await through(server)).toEqual({ statuses: [500, 200], said: [] });
  });
});
