import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SERVICE } from './helpers/claims.ts';
import { answers, type FaultyServer, neverAnswers, startFaultyServer } from './helpers/faulty-server.ts';
import { startOnce } from './helpers/npm-start.ts';
import { withCopy } from './helpers/packaged-template.ts';
import { linesOf, startTelemetryBed, type TelemetryBed } from './helpers/telemetry-bed.ts';

// The rules that the docs print, through doors that are built with them.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const LONG = { timeout: 120_000 };

/** The rules that a page prints, and what it puts into policy.yml for each. */
const rulesOf = (page: string): string[] =>
  [...read(page).matchAll(/^```ts\n([\s\S]*?export (?:async )?function decide\([\s\S]+?)^```$/gm)].map(
    ([, rule = '']) => rule,
  );
const environments = [...read('docs/policy.md').matchAll(/^```yaml\n(environment:[\s\S]+?)^```$/gm)].map(
  ([, text = '']) => parse(text, { logLevel: 'silent' }).environment,
);
const [byTenant = ''] = rulesOf('README.md');
const [byTable = '', byService = ''] = rulesOf('docs/policy.md');
const [table, service] = environments;

const SHIPPED = read('lib/policy.ts');
/** The shipped file with another rule in place of its own. */
const withRule = (rule: string): string => SHIPPED.slice(0, SHIPPED.indexOf('/**\n * Decides')) + rule;
const tsconfig = JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), include: ['lib', 'functions'] });

/** Runs a program of a copy to its end, and fails if that does. */
function run(folder: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder }, (error, stdout) =>
      error ? reject(new Error(stdout, { cause: error })) : resolve(stdout),
    );
  });
}

let bed: TelemetryBed;
let asked: FaultyServer;
beforeEach(async () => {
  bed = await startTelemetryBed();
  asked = await startFaultyServer(neverAnswers);
});
afterEach(async () => {
  await bed.close();
  await asked.close();
});

interface Ask {
  claims?: object;
  body?: string;
  headers?: object;
  groupId?: string;
}

/** Builds the HTTP door with a rule, and gives what asks it. */
function withDoor(
  rule: string,
  env: Record<string, string>,
  use: (ask: (ask: Ask) => Promise<Answer>, folder: string) => Promise<void>,
) {
  const files = {
    'lib/policy.ts': withRule(rule),
    'tsconfig.json': tsconfig,
    'biome.json': read('biome.json'),
    'type-assertion.grit': read('type-assertion.grit'),
  };
  return withCopy(files, async (folder) => {
    await run(folder, 'node_modules/typescript/bin/tsc');
    await run(folder, 'node_modules/@biomejs/biome/bin/biome', 'check', '--vcs-enabled=false', 'lib/policy.ts');
    await run(folder, 'build.ts');
    const door = await bed.start('http', env, pathToFileURL(`${folder}/dist/`));
    await use(async (parts) => {
      const answer = await door.invoke(await bed.httpEvent(parts));
      const { statusCode = 0, body = '{}' } = answer.result ?? {};
      return { status: statusCode, json: JSON.parse(body), line: linesOf(answer)[0] ?? {} };
    }, folder);
  });
}
interface Answer {
  status: number;
  json: Record<string, unknown>;
  line: Record<string, unknown>;
}

const alice = { sub: 'alice' };
const UNAVAILABLE = { code: 'POLICY_UNAVAILABLE', outcome: 'not_sent', retryable: true };

it("the README's rule lets a host of the tenant invite", LONG, async () => {
  await withDoor(byTenant, {}, async (ask) => {
    const host = { ...alice, role: 'host', tenant: 'acme' };
    const body = '{"userIds":["bob"]}';
    expect(await ask({ claims: host, groupId: 'acme:1', body })).toMatchObject({ status: 200 });
    expect(await ask({ claims: host, groupId: 'b:1', body })).toMatchObject({ status: 403 });
    expect(await ask({ claims: { ...host, role: 'guest' }, groupId: 'acme:1', body })).toMatchObject({ status: 403 });
  });
});

describe('a rule by a table of enrolments', () => {
  const env = () => ({ ...table, AWS_ENDPOINT_URL_DYNAMODB: asked.url });
  const enrolled = answers(200, '{"Item":{"groupId":{"S":"g"}}}', { 'Content-Type': 'application/x-amz-json-1.0' });
  const unknown = answers(200, '{}', { 'Content-Type': 'application/x-amz-json-1.0' });

  it('lets in whom the table has, and asks for nobody else', LONG, async () => {
    await withDoor(byTable, env(), async (ask) => {
      asked.behave(enrolled);
      expect(await ask({ claims: alice, groupId: 'g' })).toMatchObject({ status: 200, json: { joined: ['alice'] } });
      expect(JSON.parse(asked.seen[0]?.body ?? '')).toEqual({
        TableName: table.ENROLMENTS_TABLE,
        Key: { groupId: { S: 'g' }, userId: { S: 'alice' } },
      });
      for (const body of ['{"userIds":["bob"]}', '{"groupName":"Mine"}']) {
        expect(await ask({ claims: alice, groupId: 'g', body })).toMatchObject({ status: 403 });
      }
      expect(await ask({ claims: SERVICE, groupId: 'g', body: '{"userIds":["bob"]}' })).toMatchObject({ status: 200 });
      expect(asked.seen).toHaveLength(1);
      asked.behave(unknown);
      expect(await ask({ claims: alice, groupId: 'g' })).toMatchObject({
        status: 403,
        json: { detail: 'The user is not enrolled in this group.' },
      });
    });
  });

  it('lets nobody in while the table fails or hangs, and queues nothing', LONG, async () => {
    await withDoor(byTable, env(), async (ask) => {
      for (const behavior of [answers(500, ''), answers(400, '{"__type":"ResourceNotFoundException"}'), neverAnswers]) {
        asked.behave(behavior);
        for (const headers of [{}, { prefer: 'respond-async, wait=1' }]) {
          expect(await ask({ claims: alice, groupId: 'g', headers })).toMatchObject({ status: 503, json: UNAVAILABLE });
        }
      }
      expect(bed.app.groups.members('g')).toEqual([]);
    });
  });

  it('finds a stand-in of the table in the sandbox', LONG, async () => {
    asked.behave(enrolled);
    const files = {
      'lib/policy.ts': withRule(byTable),
      'policy.yml': `environment:\n  ENROLMENTS_TABLE: enrolments\n`,
    };
    await withCopy(files, async (folder) => {
      for (const part of ['sandbox', 'locate.ts']) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
      const said = await startOnce(folder, { PORT: '14730', AWS_ENDPOINT_URL_DYNAMODB: asked.url });
      expect(said).toContain('Joined alice to team-1: 200');
    });
  });
});

describe('a rule by another service', () => {
  it('lets in whom the service lets in', LONG, async () => {
    expect(service).toEqual({ MEMBERS_URL: 'https://members.example' });
    await withDoor(byService, { MEMBERS_URL: asked.url }, async (ask) => {
      asked.behave(answers(200, 'true'));
      expect(await ask({ claims: alice, groupId: 'g', body: '{"userIds":["bob"]}' })).toMatchObject({ status: 200 });
      expect(JSON.parse(asked.seen[0]?.body ?? '')).toEqual({ asks: 'alice', groupId: 'g', userIds: ['bob'] });
      expect(await ask({ claims: alice, groupId: 'g', body: '{"groupName":"Mine"}' })).toMatchObject({ status: 403 });
      asked.behave(answers(200, 'false'));
      expect(await ask({ claims: alice, groupId: 'g' })).toMatchObject({ status: 403 });
    });
  });

  it('that fails, hangs or talks nonsense lets nobody in, and says where', LONG, async () => {
    await withDoor(byService, { MEMBERS_URL: asked.url }, async (ask, folder) => {
      for (const behavior of [answers(404, 'true'), answers(200, '<html>'), neverAnswers]) {
        asked.behave(behavior);
        expect(await ask({ claims: alice, groupId: 'g' })).toMatchObject({ status: 503, json: UNAVAILABLE });
      }
      asked.behave(answers(500, ''));
      const { line } = await ask({ claims: alice, groupId: 'g' });
      expect(line).toMatchObject({ code: 'POLICY_UNAVAILABLE', cause: 'Error: The members service answered 500.' });
      const [place = ''] = /dist\/[\w.-]+\.cjs:\d+:\d+/.exec(String(line.stack)) ?? [];
      cpSync(join(ROOT, 'locate.ts'), join(folder, 'locate.ts'));
      const source = withRule(byService)
        .split('\n')
        .findIndex((text) => text.includes('The members service answered'));
      expect(await run(folder, 'locate.ts', place)).toContain(`lib/policy.ts:${source + 1}:`);
    });
  });

  it.each([
    ['MEMBERS_URL', service.MEMBERS_URL],
    ['STAND_IN', '${env:STAND_IN}'],
  ])('finds a stand-in of the service in the sandbox: %s, with %s in policy.yml', LONG, async (name, value) => {
    asked.behave(answers(200, 'true'));
    const files = {
      'lib/policy.ts': withRule(byService),
      'policy.yml': `environment:\n  MEMBERS_URL: ${value}\n`,
    };
    await withCopy(files, async (folder) => {
      for (const part of ['sandbox', 'locate.ts']) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
      const said = await startOnce(folder, { PORT: '14730', [name]: asked.url });
      expect(said).toContain('Joined alice to team-1: 200');
    });
  });

  it('that is broken says in the sandbox where in the source', LONG, async () => {
    const rule = 'export function decide(): Decision {\n  throw new Error("planted");\n}\n';
    await withCopy({ 'lib/policy.ts': withRule(rule) }, async (folder) => {
      for (const part of ['sandbox', 'locate.ts']) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
      const said = await startOnce(folder, { PORT: '14730' });
      const source = withRule(rule)
        .split('\n')
        .findIndex((text) => text.includes('planted'));
      expect(said).toContain('POLICY_UNAVAILABLE');
      expect(said).toContain(`lib/policy.ts:${source + 1}:`);
    });
  });
});
