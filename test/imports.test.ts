import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/**
 * Each room of the house, from the bottom up, and what it may import besides itself and Node's builtins. A room is a
 * folder, or a file that stands alone.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'lib/errors.ts': [],
  'lib/ids.ts': [],
  'lib/freeze.ts': [],
  'lib/clock.ts': [],
  'lib/environment.ts': [],
  'lib/rongcloud': ['lib/clock.ts', 'lib/errors.ts'],
  'lib/aws': [
    'lib/clock.ts',
    'lib/errors.ts',
    'lib/rongcloud',
    '@aws-sdk/client-eventbridge',
    '@aws-sdk/client-secrets-manager',
    '@aws-sdk/client-sqs',
  ],
  'lib/telemetry': [
    'lib/clock.ts',
    'lib/errors.ts',
    'lib/rongcloud',
    '@aws-lambda-powertools/logger',
    '@aws-lambda-powertools/metrics',
  ],
  'lib/identity': ['lib/errors.ts', 'lib/ids.ts', 'lib/freeze.ts', 'lib/clock.ts', 'lib/environment.ts', 'jose'],
  'lib/config.ts': ['lib/environment.ts', 'lib/identity', 'lib/rongcloud'],
  'lib/join': ['lib/clock.ts', 'lib/errors.ts', 'lib/ids.ts', 'lib/rongcloud', 'lib/telemetry', 'valibot'],
  'lib/policy.ts': ['lib/identity', 'lib/join'],
  'lib/ask-policy.ts': ['lib/clock.ts', 'lib/errors.ts', 'lib/freeze.ts', 'lib/identity', 'lib/join', 'lib/policy.ts'],
  'lib/queue': ['lib/clock.ts', 'lib/errors.ts', 'lib/ids.ts', 'lib/aws', 'lib/join', 'lib/rongcloud', 'lib/telemetry'],
  functions: [
    'lib/clock.ts',
    'lib/errors.ts',
    'lib/ids.ts',
    'lib/ask-policy.ts',
    'lib/identity',
    'lib/join',
    'lib/queue',
    'lib/telemetry',
    'aws-lambda',
  ],
  client: ['@aws-sdk/client-lambda'],
  'functions/entry': [
    'functions',
    ...[
      'lib/clock.ts',
      'lib/errors.ts',
      'lib/config.ts',
      'lib/aws',
      'lib/identity',
      'lib/join',
      'lib/policy.ts',
      'lib/queue',
      'lib/rongcloud',
      'lib/telemetry',
    ],
  ],
  'sandbox/settings.ts': ['lib/rongcloud'],
  'sandbox/http': ['oauth2-mock-server', 'valibot'],
  'sandbox/rongcloud': ['sandbox/http'],
  'sandbox/aws/operation.ts': [],
  'sandbox/aws/sqs': ['sandbox/aws/operation.ts'],
  'sandbox/aws': ['sandbox/http', 'sandbox/aws/operation.ts', 'sandbox/aws/sqs'],
  'sandbox/lambda': ['sandbox/http', 'sandbox/aws/sqs', 'aws-lambda'],
  'sandbox/console': [
    'sandbox/settings.ts',
    'sandbox/http',
    'sandbox/rongcloud',
    'sandbox/aws/sqs',
    'sandbox/aws',
    'lit-html',
    'valibot',
  ],
  sandbox: [
    'sandbox/settings.ts',
    'sandbox/http',
    'sandbox/rongcloud',
    'sandbox/aws/sqs',
    'sandbox/aws',
    'sandbox/lambda',
    'sandbox/console',
    'build.ts',
    'locate.ts',
  ],
  'tools/sim': [
    'lib/clock.ts',
    'lib/errors.ts',
    'lib/aws',
    'lib/queue',
    'lib/rongcloud',
    'lib/telemetry',
    'functions',
    'sandbox/rongcloud',
    'sandbox/aws/sqs',
    'sandbox/lambda',
    '@aws-sdk/client-sqs',
    'aws-lambda',
  ],
  'tools/explain': [
    'lib/errors.ts',
    'lib/clock.ts',
    'lib/environment.ts',
    'lib/identity',
    'lib/config.ts',
    'lib/ask-policy.ts',
    'lib/telemetry',
    'lib/join',
    'lib/policy.ts',
  ],
  'tools/keys.ts': [],
  'tools/import-kept.ts': [],
  'tools/chromium.ts': [],
  'tools/screenshot.ts': ['sandbox', 'tools/chromium.ts', 'build.ts', 'playwright-core'],
  'bench/contenders': ['@aws-sdk/client-secrets-manager', 'aws-lambda', 'jose'],
  bench: [
    'lib/clock.ts',
    'lib/errors.ts',
    'lib/aws',
    'lib/rongcloud',
    'lib/join',
    'lib/queue',
    'functions',
    'sandbox/http',
    'sandbox/rongcloud',
    'sandbox/aws/sqs',
    'sandbox/aws',
    'sandbox/lambda',
    'tools/sim',
    'build.ts',
    'aws-lambda',
    'esbuild',
    'jose',
    'selfsigned',
  ],
};

/** The rooms of what is deployed or called by others. */
const SHIPPED = /^(lib|functions|client)\//;

/** What only some of the shipped files may import: who opens sockets, and who talks to AWS. */
const ONLY_IN: readonly { imports: RegExp; files: readonly string[] }[] = [
  {
    imports: /^(node:)?(https?|http2|net|tls|dgram|dns|child_process|worker_threads|cluster)(\/|$)|^undici$/,
    files: ['lib/rongcloud/transport.ts', 'lib/rongcloud/connections.ts', 'lib/identity/key-set-fetcher.ts'],
  },
  {
    imports: /^@(aws-sdk|smithy)\//,
    files: ['lib/aws/app-credentials.ts', 'lib/aws/event-bus.ts', 'lib/aws/sqs.ts', 'client/join-group.ts'],
  },
];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const rooms = Object.keys(MAY_IMPORT);
/** The app's own rule may look things up, so it may import any package. */
const RULE = 'lib/policy.ts';

/** The room that a file stands in: the longest name that it begins with. A rule's own files are in its room. */
function roomOf(file: string): string | undefined {
  if (file.startsWith('lib/policy/')) return RULE;
  return rooms
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)
    .at(0);
}

/** What a source imports, types included: paths from the top of the project, and names of packages. */
function importsOf(file: string, source: string): string[] {
  return [...source.matchAll(/(?<![\w.-])(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name = '']) => {
    const target = name.startsWith('.') ? path.join(path.dirname(file), name) : name;
    // Browsers find a package by its path.
    return /^node_modules\/([^/]+)/.exec(target)?.[1] ?? target;
  });
}

/** The imports of a file that it may not have. */
function denied(file: string, source: string): string[] {
  const room = roomOf(file);
  if (room === undefined) return [`${file} stands in no room`];
  return importsOf(file, source).filter((name) => {
    if (room === RULE && isPackage(name)) return false;
    const isOnlyElsewhere = ONLY_IN.some(({ imports, files }) => imports.test(name) && !files.includes(file));
    if (SHIPPED.test(file) && isOnlyElsewhere) return true;
    const target = roomOf(name) ?? name;
    return target !== room && !isBuiltin(name) && !MAY_IMPORT[room]?.includes(target);
  });
}

/** Whether what is imported is neither ours nor a file. */
const isPackage = (name: string) => isBuiltin(name) || (roomOf(name) === undefined && !/\.[cm]?[jt]s$/.test(name));

/** Files that import each other in a circle, from one of them back to itself; undefined if none do. */
function circleOf(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const harmless = new Set<string>();
  function follow(file: string, way: readonly string[]): string[] | undefined {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (harmless.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const circle = follow(next, [...way, file]);
      if (circle) return circle;
    }
    harmless.add(file);
    return undefined;
  }
  for (const file of imports.keys()) {
    const circle = follow(file, []);
    if (circle) return circle;
  }
  return undefined;
}

const files = globSync(
  ['lib/**/*.ts', 'functions/**/*.ts', 'client/*.ts', 'sandbox/**/*.{ts,js,mjs}', 'tools/**/*.ts', 'bench/**/*.ts'],
  { cwd: ROOT, exclude: ['**/node_modules/**'] },
);
const sources = new Map(files.map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')]));
/** What each file imports. A circle within the app's rule is the app's. */
const ourImports = () =>
  new Map([...sources].filter(([file]) => roomOf(file) !== RULE).map(([file, text]) => [file, importsOf(file, text)]));

describe('imports', () => {
  it('are looked for in every file', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(new Set(files.map(roomOf))).toEqual(new Set(rooms));
  });

  it.each([...sources])('of %s point down', (file, source) => {
    expect(denied(file, source)).toEqual([]);
  });

  it('make no circle of files', () => {
    expect(circleOf(ourImports())).toBeUndefined();
  });

  it.each([
    ['sandbox/settings.ts', "import type { Sandbox } from './sandbox.ts';"],
    ['sandbox/http/server.ts', "import { forward } from './forward.ts';"],
    ['sandbox/http/fault.ts', "const { startSandbox } = await import('../sandbox.ts');"],
    ['sandbox/console/state.ts', "export type { State } from './state.ts';"],
    ['lib/errors.ts', "import type { Deps } from '../functions/http.ts';"],
    ['tools/sim/simulated-time.ts', "import { createService } from '../../bench/surge/service.ts';"],
  ])('would make a circle if %s had %s', (file, source) => {
    const imports = ourImports();
    imports.set(file, [...(imports.get(file) ?? []), ...importsOf(file, source)]);
    expect(circleOf(imports)).toContain(file);
  });

  it('may only name rooms further down, so that none goes round in a circle', () => {
    for (const [i, room] of rooms.entries()) {
      const below = rooms.slice(0, i);
      const named = MAY_IMPORT[room]?.filter((name) => rooms.includes(name)) ?? [];
      expect(named.filter((name) => !below.includes(name))).toEqual([]);
    }
  });

  it.each([
    ['lib/errors.ts', "import { idFault } from './ids.ts';"],
    ['lib/ids.ts', "import { JoinError } from './errors.ts';"],
    ['lib/rongcloud/client.ts', "import type { Caller } from '../identity/caller.ts';"],
    ['lib/rongcloud/client.ts', "import * as v from 'valibot';"],
    ['lib/rongcloud/form.ts', "import http from 'node:http';"],
    ['lib/aws/app-credentials.ts', "import type { JoinRequest } from '../join/join-request.ts';"],
    ['lib/identity/caller.ts', "export { parseMessage } from '../join/join-request.ts';"],
    ['lib/identity/caller.ts', "import { connect } from 'node:net';"],
    ['lib/telemetry/telemetry.ts', "import { createJoinUsers } from '../join/join-users.ts';"],
    ['lib/config.ts', "import { createHandler } from '../functions/http.ts';"],
    ['lib/join/join-or-queue.ts', "import type { Enqueue } from '../queue/message.ts';"],
    ['lib/join/join-or-queue.ts', "const { decide } = await import('../policy.ts');"],
    ['lib/queue/batch.ts', "import { SQSClient } from '@aws-sdk/client-sqs';"],
    ['lib/queue/batch.ts', "import { toCaller } from '../identity/caller.ts';"],
    ['lib/policy.ts', "import { readHttpConfig } from './config.ts';"],
    ['lib/policy/tenants.ts', "import { createTransport } from '../rongcloud/transport.ts';"],
    ['functions/http.ts', "import { handler } from './entry/http.ts';"],
    ['functions/http.ts', "import { createTransport } from '../lib/rongcloud/transport.ts';"],
    ['functions/http.ts', "import { Credentials } from '../lib/aws/app-credentials.ts';"],
    ['functions/entry/http.ts', "import { startSandbox } from '../../sandbox/sandbox.ts';"],
    ['functions/entry/http.ts', "import { SQSClient } from '@aws-sdk/client-sqs';"],
    ['client/join-group.ts', "import type { Outcome } from '../lib/errors.ts';"],
    ['sandbox/http/fault.ts', "import type { ImApp } from '../rongcloud/app.ts';"],
    ['sandbox/rongcloud/app.ts', "import { SqsQueue } from '../aws/sqs/queue.ts';"],
    ['sandbox/aws/sqs/queue.ts', "import { startAws } from '../server.ts';"],
    ['sandbox/console/state.ts', "import type { Sandbox } from '../sandbox.ts';"],
    ['sandbox/lambda/functions.ts', "import { handler } from '../../functions/entry/http.ts';"],
    ['tools/sim/simulated-time.ts', "import { authenticate } from '../../lib/identity/authenticate.ts';"],
    ['bench/surge/load.ts', "import { startConsole } from '../../sandbox/console/console.ts';"],
    ['lib/policy/seats.ts', "import { readHttpConfig } from '../config.ts';"],
    ['lib/policy/seats.ts', "import { seats } from '../seats.ts';"],
    ['lib/join/join-request.ts', "import { seats } from '../policy/seats.ts';"],
    ['lib/new-file.ts', ''],
  ])('lets %s not have %s', (file, source) => {
    expect(denied(file, source)).toHaveLength(1);
  });

  it.each([
    ['lib/policy.ts', "const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');"],
    ['lib/policy.ts', "import { mayJoin } from './policy/tenants.ts';"],
    ['lib/policy/tenants.ts', "import http from 'node:http';"],
    ['lib/policy/tenants.ts', "import type { Caller } from '../identity/caller.ts';"],
    ['lib/policy/tenants.ts', "import type { Decision } from '../policy.ts';"],
    ['lib/policy/tenants.ts', "import tenants from './tenants.json' with { type: 'json' };"],
  ])('lets %s have %s', (file, source) => {
    expect(denied(file, source)).toEqual([]);
  });
});
