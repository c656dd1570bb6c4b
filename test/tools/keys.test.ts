import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Clock } from '../../lib/clock.ts';
import { readHttpConfig } from '../../lib/config.ts';
import { createAuthenticator } from '../../lib/identity/authenticate.ts';
import { createIssuerKeys } from '../../lib/identity/issuer-keys.ts';
import { keySetFetcher } from '../../lib/identity/key-set-fetcher.ts';
import { MEMBER, memberGroup } from '../helpers/claims.ts';
import { httpEvent } from '../helpers/http-event.ts';
import { startTelemetryBed } from '../helpers/telemetry-bed.ts';

const KEYS = fileURLToPath(new URL('../../tools/keys.ts', import.meta.url));
const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const [, section = ''] = /\n## Without an issuer\n([\s\S]+?)\n## /.exec(page) ?? [];
const printed = (language: string) =>
  new RegExp(`^\`\`\`${language}\\n([\\s\\S]+?)^\`\`\`$`, 'm').exec(section)?.[1] ?? '';

let folder: string;
let said: string;
let signingKey: string;
let settings: Record<string, unknown>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  said = execFileSync(process.execPath, [KEYS], { cwd: folder, encoding: 'utf8' });
  signingKey = readFileSync(join(folder, 'private-key.pem'), 'utf8');
  settings = { ...parse(printed('yaml')).prod, ...parse(said) };
});
afterAll(() => rmSync(folder, { recursive: true }));

const environment = () => ({
  JWT_ISSUER: String(settings.jwtIssuer),
  JWT_AUDIENCE: String(settings.jwtAudience),
  JWT_GROUPS_CLAIM: String(settings.jwtGroupsClaim),
  JWT_SERVICE_CLIENTS: String(settings.jwtServiceClients),
  JWKS: JSON.stringify(settings.jwks),
});

/** What the door makes of a token that was just made. */
async function callerOf(token: string) {
  const needless = { RONGCLOUD_SECRET_ID: 's', RONGCLOUD_DATA_CENTER: 'singapore' };
  const { tokens, keySet } = readHttpConfig({ ...environment(), ...needless });
  const clock = new Clock();
  const keys = createIssuerKeys(keySetFetcher(keySet), clock);
  return createAuthenticator({ rules: tokens, keys, clock })(`Bearer ${token}`);
}

/** Runs a program that the page prints, and then a line of the same language. */
function run(program: string, args: string[], file: string, text: string): string {
  writeFileSync(join(folder, file), text);
  return execFileSync(program, [...args, file], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, SIGNING_KEY: signingKey },
  });
}
const byNode = (userId: string, groups: readonly string[]) =>
  run(
    process.execPath,
    [],
    'sign.mjs',
    `${printed('js')}\nprocess.stdout.write(tokenFor(${JSON.stringify(userId)}, ${JSON.stringify(groups)}));`,
  );

describe('npm run keys', () => {
  it('prints the public key alone, and writes the private one for its owner', () => {
    expect(settings.jwks).toEqual({
      keys: [{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', x: expect.any(String), y: expect.any(String) }],
    });
    expect(said).not.toContain('PRIVATE');
    expect(signingKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(statSync(join(folder, 'private-key.pem')).mode & 0o777).toBe(0o600);
  });

  it('overwrites no key', () => {
    const { status, stderr } = spawnSync(process.execPath, [KEYS], { cwd: folder, encoding: 'utf8' });
    const line = 'private-key.pem exists already. Move it away, or name another file: npm run keys -- other.pem\n';
    expect([status, stderr]).toEqual([1, line]);
    expect(readFileSync(join(folder, 'private-key.pem'), 'utf8')).toBe(signingKey);
  });

  it('makes another key each time', () => {
    const other = execFileSync(process.execPath, [KEYS, 'other.pem'], { cwd: folder, encoding: 'utf8' });
    expect(parse(other).jwks).not.toEqual(settings.jwks);
    expect(readFileSync(join(folder, 'other.pem'), 'utf8')).not.toBe(signingKey);
  });
});

describe('a recipe of the docs signs a token that the door takes', () => {
  const alice = { kind: 'user', userId: '爱丽丝', groupPatterns: ['team-*'] };

  it('in Node', async () => {
    const caller = await callerOf(byNode('爱丽丝', ['team-*']));
    expect(caller).toMatchObject(alice);
    expect(Number(caller.claims.exp) - Number(caller.claims.iat)).toBe(300);
  });

  it('for a backend too', async () => {
    const recipe = printed('js').replace('sub: userId, groups', "client_id: 'backend', scope: 'group:join'");
    expect(
      await callerOf(run(process.execPath, [], 'backend.mjs', `${recipe}\nprocess.stdout.write(tokenFor());`)),
    ).toMatchObject({ kind: 'service' });
  });

  const python = spawnSync('python3', ['-c', 'import cryptography']).status === 0;
  if (!python) console.warn('Skipped: no Python with cryptography here.');
  it.runIf(python)('in Python', async () => {
    const line = 'print(token_for("爱丽丝", ["team-*"]), end="")';
    // Signatures begin with a zero now and then.
    const tokens = run('python3', [], 'sign.py', `${printed('python')}\nfor _ in range(300): ${line}; print()`)
      .trim()
      .split('\n');
    expect(tokens).toHaveLength(300);
    for (const token of tokens) expect(await callerOf(token)).toMatchObject(alice);
  });
});

it('the built HTTP door joins by a token of a key of the configuration, and fetches nothing', async () => {
  const bed = await startTelemetryBed();
  const door = await bed.start('http', { ...environment(), JWKS_URI: '' });
  const recipe = printed('js').replace('sub: userId, groups', '...JSON.parse(process.argv[2])');
  writeFileSync(join(folder, 'member.mjs'), `${recipe}\nprocess.stdout.write(tokenFor());`);
  const token = execFileSync(process.execPath, ['member.mjs', JSON.stringify(MEMBER)], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, SIGNING_KEY: signingKey },
  });
  const groupId = memberGroup('own-key');
  const answer = await door.invoke(
    httpEvent({ headers: { authorization: `Bearer ${token}` }, pathParameters: { groupId } }),
  );
  expect(answer.result?.statusCode).toBe(200);
  expect(bed.app.groups.members(groupId)).toEqual([MEMBER.sub]);
  expect(bed.issuer.connections).toBe(0);
  await bed.close();
});
