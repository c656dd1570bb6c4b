import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SCHEMA_CACHE } from '../sandbox/lambda/offline.ts';
import { REQUIRED, withCopy } from './helpers/packaged-template.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SERVERLESS = join(ROOT, 'node_modules/serverless/bin/serverless.js');
const PARAMS = Object.entries(REQUIRED).map(([name, value]) => `--param=${name}=${value}`);

/** Of Lambda what a single function's deployment needs, with a function that CloudFormation made. */
async function startLambda() {
  const calls: string[] = [];
  const Configuration = {
    Role: 'arn:aws:iam::000000000000:role/rongcloud-group-join-prod-HttpRole-ABC',
    State: 'Active',
    LastUpdateStatus: 'Successful',
  };
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    calls.push(`${request.method} ${request.url?.replace(/^\/[\d-]+/, '')}`);
    if (request.url?.endsWith('/configuration'))
      calls.push(...Object.keys(JSON.parse(Buffer.concat(chunks).toString())));
    response.end(JSON.stringify(request.method === 'GET' ? { Configuration } : Configuration));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { calls, url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

describe('deploy function', () => {
  it('changes the code and the settings of one function, and not its role', { timeout: 60_000 }, async () => {
    const lambda = await startLambda();
    const folder = mkdtempSync(join(tmpdir(), 'deploy-'));
    const env = {
      HOME: folder,
      DIST_IS_BUILT: 'yes',
      SLS_SCHEMA_CACHE_BASE_DIR: SCHEMA_CACHE,
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_ENDPOINT_URL: lambda.url,
    };
    const flags = ['deploy', 'function', '-f', 'http', '--stage', 'prod', ...PARAMS];
    const deployed = (cwd: string) =>
      new Promise<{ failed: boolean; said: string }>((resolve) => {
        execFile(process.execPath, [SERVERLESS, ...flags], { cwd, env }, (error, stdout, stderr) =>
          resolve({ failed: error !== null, said: stdout + stderr }),
        );
      });
    const { failed, said } = await withCopy({}, deployed);
    lambda.close();
    rmSync(folder, { recursive: true });
    expect({ failed, said }).toMatchObject({ failed: false, said: expect.stringContaining('deployed') });
    const path = '/functions/rongcloud-group-join-prod-http';
    expect(lambda.calls).toEqual(expect.arrayContaining([`PUT ${path}/code`, `PUT ${path}/configuration`, 'Timeout']));
    expect(lambda.calls).not.toContain('Role');
  });
});

describe.each(['package', 'deploy'])('npm run %s', (script) => {
  it('without -- before its options says what was meant, and does nothing', { timeout: 60_000 }, () => {
    for (const option of ['--stage=prod', '--stage prod', '--region=eu-west-1']) {
      const { status, stdout, stderr } = spawnSync('npm', ['run', script, ...option.split(' ')], {
        cwd: ROOT,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: tmpdir() },
      });
      expect(status).toBe(1);
      expect(stderr).toContain(`Write -- first: npm run ${script} -- --stage prod`);
      expect(stdout).not.toContain('serverless');
    }
  });
});
