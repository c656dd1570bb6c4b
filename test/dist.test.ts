import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { expectDescribedError, expectDescribedResult } from './helpers/described-doors.ts';
import { startLocalSecrets } from './helpers/local-secrets.ts';

const run = promisify(execFile);
const DIST = new URL('../dist/', import.meta.url);
// How Lambda starts Node.
const FLAGS = ['--no-experimental-require-module', '--no-experimental-detect-module'];
const ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  // Nobody listens there, so that what is fetched at init fails at once.
  AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:9',
  RONGCLOUD_SECRET_ID: 'rongcloud/app',
  RONGCLOUD_API_URLS: 'http://127.0.0.1:9',
  JWT_ISSUER: 'http://127.0.0.1:9',
  JWT_AUDIENCE: 'api',
};

/** Imports a door in a new Node as Lambda does, and prints what an expression makes of its handler. */
function inLambda(door: string, expression: string, env: Record<string, string> = ENVIRONMENT) {
  const script = `const { handler } = await import(${JSON.stringify(new URL(door, DIST).href)});
    const context = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => 15000 };
    process.stdout.write('\\n' + JSON.stringify(${expression}));`;
  return run(process.execPath, [...FLAGS, '--input-type=module', '--eval', script], {
    env,
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
}

// Most wait for a process of their own.
describe.concurrent('the bundle', () => {
  it('answers under the flags that Lambda gives Node', async () => {
    const { stdout } = await inLambda(
      'http.mjs',
      'await handler({ requestContext: { http: {} }, headers: {} }, context)',
    );
    const answer = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    expectDescribedResult(answer);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it.each(['http', 'invoke'])('loads nothing of Node for the %s door that only the SDK would look at', async (door) => {
    const { stdout } = await inLambda(`${door}.mjs`, 'process.moduleLoadList');
    const loaded: string[] = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    expect(loaded).toContain('NativeModule https');
    for (const name of ['readline', 'internal/deps/undici/undici']) {
      expect(loaded).not.toContain(`NativeModule ${name}`);
    }
  });

  it("loads the SDK's reader of settings files only where there is such a file", async () => {
    const files = async (env: Record<string, string>) => {
      const loaded = "Object.keys((await import('node:module')).default._cache)";
      return (await inLambda('http.mjs', loaded, { ...ENVIRONMENT, HOME: '/nowhere', ...env })).stdout;
    };
    expect(await files({})).not.toContain('loadSharedConfigFiles');
    expect(await files({ AWS_CONFIG_FILE: '~/aws-config' })).toContain('loadSharedConfigFiles');
  });

  it('finds in a settings file of AWS what its environment does not say', async () => {
    const secrets = await startLocalSecrets(new Map());
    const folder = await mkdtemp(join(tmpdir(), 'settings-'));
    const { AWS_ENDPOINT_URL_SECRETS_MANAGER: _, ...env } = ENVIRONMENT;
    await writeFile(join(folder, 'config'), `[default]\nendpoint_url = ${secrets.url}\n`);
    const expression = "await handler({ groupId: 'g', userIds: ['a'] }, context).catch((e) => e.message)";
    const { stderr } = await inLambda('invoke.mjs', expression, { ...env, AWS_CONFIG_FILE: join(folder, 'config') });
    // The stand-in knows no such secret.
    expect(stderr).toContain('ResourceNotFoundException');
    await rm(folder, { recursive: true });
    await secrets.close();
  });

  it('throws from the Invoke door what Lambda makes a function error of', async () => {
    const expression =
      "await handler({ groupId: 'g', userIds: ['a'] }, context).catch((e) => [e.name, e.message, e.stack])";
    const { stdout } = await inLambda('invoke.mjs', expression);
    const [name, message, stack] = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    expectDescribedError(name, message);
    expect(name).toBe('CREDENTIALS_UNAVAILABLE');
    expect(JSON.parse(message)).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE', outcome: 'not_sent', joined: 0 });
    expect(stack).toBe('');
  });

  it('refuses to start without its configuration and names all of it', async () => {
    const error = await inLambda('http.mjs', '1', { AWS_REGION: 'us-east-1' }).catch((thrown: Error) => thrown);
    const text = String(error);
    for (const name of ['RONGCLOUD_SECRET_ID', 'RONGCLOUD_DATA_CENTER', 'JWT_ISSUER', 'JWT_AUDIENCE']) {
      expect(text).toContain(`${name} is missing`);
    }
  });

  it('loads the EventBridge client only where a bus is named', async () => {
    const first = new Map<string, string>();
    const load = async (file: URL): Promise<void> => {
      if (first.has(file.href)) return;
      const code = await readFile(file, 'utf8');
      first.set(file.href, code);
      for (const [, path = ''] of code.matchAll(/=require\("(\.[^"]+)"\)/g)) await load(new URL(path, file));
    };
    await load(new URL('queue.cjs', DIST));
    const holds = (target: string) => [...first.values()].some((code) => code.includes(target));
    expect([holds('AmazonSQS'), holds('AWSEvents')]).toEqual([true, false]);
    const all = (await readdir(DIST, { recursive: true })).filter((name) => /\.[cm]js$/.test(name));
    const codes = await Promise.all(all.map((name) => readFile(new URL(name, DIST), 'utf8')));
    expect(codes.some((code) => code.includes('AWSEvents'))).toBe(true);
  });

  it('holds nothing of this machine', async () => {
    const home = fileURLToPath(new URL('..', import.meta.url));
    for (const name of await readdir(DIST, { recursive: true })) {
      if (/\.[cm]js$/.test(name)) expect(await readFile(new URL(name, DIST), 'utf8')).not.toContain(home);
    }
  });
});
