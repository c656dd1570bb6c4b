import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { JOIN_ERROR_CODES, JoinError, type JoinErrorCode } from '../../lib/errors.ts';
import { MAX_ID_LENGTH } from '../../lib/ids.ts';
import { MAX_USERS } from '../../lib/join/join-request.ts';
import { expectDescribed, openapi, ROUTE, responses, type Schema } from '../helpers/openapi.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${ROOT}${file}`, 'utf8');
const errors = JOIN_ERROR_CODES.map((code) => new JoinError(code as JoinErrorCode));
const { Code, Outcome, Id, GroupName, UserIds } = openapi.components.schemas;

/** The codes that the described problems of a status may have. */
function codesOf(parts: readonly Schema[]): string[] {
  return parts.flatMap((part) => (part.properties as { code?: { enum: string[] } } | undefined)?.code?.enum ?? []);
}

describe('docs/openapi.yaml', () => {
  it('is clean by the rules of redocly.yaml', () => {
    const cli = `${ROOT}node_modules/@redocly/cli/bin/cli.js`;
    const env = { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', REDOCLY_TELEMETRY: 'off' };
    const lint = [cli, 'lint', '--format=json', 'docs/openapi.yaml'];
    const { stdout } = spawnSync(process.execPath, lint, { cwd: ROOT, env, encoding: 'utf8' });
    expect(JSON.parse(stdout)).toMatchObject({ totals: { errors: 0, warnings: 0, ignored: 0 }, problems: [] });
  });

  it('has the route that is deployed, and the version of the package', () => {
    expect(Object.entries(openapi.paths).map(([path, item]) => [path, Object.keys(item)])).toEqual([[ROUTE, ['post']]]);
    expect(read('serverless.yml')).toContain(`httpApi: POST ${ROUTE}\n`);
    expect(openapi.info.version).toBe(JSON.parse(read('package.json')).version);
  });

  it('has the codes of lib/errors.ts, with their statuses and outcomes', () => {
    expect(Code?.enum).toEqual(JOIN_ERROR_CODES);
    const rows = [...String(Code?.description).matchAll(/^\| ([A-Z_]+) \| (\d+) \| (\w+) \| (yes|no) \|$/gm)];
    expect(rows.map(([, ...cells]) => cells)).toEqual(
      errors.map(({ code, status, outcome, retryable }) => [code, `${status}`, outcome, retryable ? 'yes' : 'no']),
    );
    expect(Outcome?.enum).toEqual(expect.arrayContaining(errors.map(({ outcome }) => outcome)));
    const described = responses().flatMap(([status, { content }]) => {
      const parts = (content['application/problem+json']?.schema.allOf ?? []) as Schema[];
      return codesOf(parts).map((code) => `${status} ${code}`);
    });
    expect(described.sort()).toEqual(errors.map(({ status, code }) => `${status} ${code}`).sort());
  });

  it('has the same codes as docs/api.md', () => {
    const rows = [...read('docs/api.md').matchAll(/^\| `([A-Z_]+)` \| (\d+) \| `(\w+)` \| (yes|no) \| .+ \|$/gm)];
    const given = new Map(rows.map(([, code = '', ...cells]) => [code, cells]));
    expect(given).toEqual(
      new Map(
        errors.map(({ code, status, outcome, retryable }) => [code, [`${status}`, outcome, retryable ? 'yes' : 'no']]),
      ),
    );
  });

  it('has the limits of the service', () => {
    expect([Id?.maxLength, GroupName?.maxLength, UserIds?.maxItems]).toEqual([MAX_ID_LENGTH, MAX_ID_LENGTH, MAX_USERS]);
  });
});

describe('an answer', () => {
  const body = { groupId: 'g', joined: ['a'], requestId: 'r' };
  const described = (changes: object = {}, headers: Record<string, string> = {}, status = 200) => {
    const all = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'X-Request-ID': 'r', ...headers };
    const given = Object.entries(all).filter(([, value]) => value !== '');
    expectDescribed({ status, headers: given, body: JSON.stringify({ ...body, ...changes }) });
  };

  it('is described as it is', () => {
    expect(() => described()).not.toThrow();
  });

  it.each<[string, object, Record<string, string>, number?]>([
    ['a field that is not described', { more: 1 }, {}],
    ['a field of another type', { joined: 'a' }, {}],
    ['nobody who joined', { joined: [] }, {}],
    ['a header that is not described', {}, { 'X-More': '1' }],
    ['a header with another value', {}, { 'Cache-Control': 'no-cache' }],
    ['a header less', {}, { 'Cache-Control': '' }],
    ["another request's id in the header", {}, { 'X-Request-ID': 'other' }],
    ['another type', {}, { 'Content-Type': 'text/plain' }],
    ['a status that is not described', {}, {}, 201],
    ['the body of another status', {}, {}, 207],
  ])('with %s is refused', (_name, ...parts) => {
    expect(() => described(...parts)).toThrow('docs/openapi.yaml does not describe this');
  });
});

describe('the tests', () => {
  const files = globSync('test/**/*.ts', { cwd: ROOT });
  const importing = (pattern: RegExp) => files.filter((file) => pattern.test(read(file))).sort();

  it('reach the HTTP and the Invoke door only where each answer is held to the document', () => {
    expect(importing(/^(import(?! type)|export|\}) .*from '[./]+functions\/(http|invoke)\.ts'/m)).toEqual([
      'test/helpers/described-doors.ts',
    ]);
    const others = importing(
      /import\('[./]+functions\/entry\/http\.ts'\)|fetch\(.*\bhttpUrl\b|'http\.mjs'|dist\/\$\{door\}/,
    );
    expect(others.length).toBeGreaterThan(3);
    for (const file of others) expect(read(file)).toMatch(/expectDescribed/);
  });
});
