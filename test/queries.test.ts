import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import names from '../lib/telemetry/metric-names.json' with { type: 'json' };
import { withBug } from './helpers/built-door.ts';
import { SERVICE } from './helpers/claims.ts';
import { query, type Row, toFields } from './helpers/logs-insights.ts';
import { startTelemetryBed } from './helpers/telemetry-bed.ts';

// The Logs Insights queries of the docs, on what the doors print when they work and when they fail.
const PAGES = ['operations.md', 'runbooks.md'].map((page) =>
  readFileSync(new URL(`../docs/${page}`, import.meta.url), 'utf8'),
);
/** What API Gateway writes is in its own log, which the doors do not print. */
const ofAccessLog = (text: string): boolean => text.startsWith("filter status = '429'");
const QUERIES = PAGES.flatMap((page) => [...page.matchAll(/^```\n((?:filter|stats|fields) .+)\n```$/gm)])
  .map(([, text = '']) =>
    text.replaceAll("'CLIENT'", "'backend-7'").replaceAll("ID'", "mine'").replaceAll('"ID"', '"r-1"'),
  )
  .filter((text) => !ofAccessLog(text));

let lines: Row[];
const isMetric = (line: Row): boolean => 'service' in line && !('message' in line);
const withoutMetrics = () => lines.filter((line) => !isMetric(line));

beforeAll(async () => {
  const bed = await startTelemetryBed();
  const http = await bed.start('http');
  const queue = await bed.start('queue');
  const invoke = await bed.start('invoke');
  const noSecret = { RONGCLOUD_SECRET_ID: 'none' };
  const doors = [http, queue, invoke, await bed.start('http', noSecret), await bed.start('queue', noSecret)];
  doors.push(await bed.start('http', { JWKS_URI: 'http://127.0.0.1:9' }));
  const nowhere = 'http://127.0.0.1:9';
  const withoutQueue = await bed.start('http', { JOIN_QUEUE_URL: `${nowhere}/0/joins` });
  const bus = { RESULT_BUS: 'results', RESULT_SOURCE: 'joins', AWS_ENDPOINT_URL_EVENTBRIDGE: nowhere };
  const withoutBus = await bed.start('queue', bus);
  doors.push(withoutQueue, withoutBus);
  const batch = (...bodies: unknown[]) => ({
    Records: bodies.map((body, i) => ({
      messageId: `m${i}`,
      receiptHandle: `h${i}`,
      body: JSON.stringify(body),
      attributes: { SentTimestamp: String(Date.now()), ApproximateReceiveCount: '1' },
    })),
  });
  const join = (user: string) => ({ groupId: 'g', userIds: [user], requestId: 'r-1' });
  const claims = { ...SERVICE, client_id: 'backend-7' };
  const askAll = async (): Promise<void> => {
    await http.invoke(await bed.httpEvent());
    await http.invoke(await bed.httpEvent({ claims, body: '{"userIds":["planted-user"]}' }));
    await invoke.invoke(join('planted-user'));
    await queue.invoke(batch(join('planted-user')), 60_000);
  };
  await askAll();
  await withoutQueue.invoke(await bed.httpEvent({ headers: { prefer: 'respond-async' } }));
  await withoutBus.invoke(batch(join('planted-user')), 60_000);
  await http.invoke({ ...(await bed.httpEvent()), headers: {} });
  await http.invoke(withBug(await bed.httpEvent()));
  for (const door of [doors[3], doors[5]]) await door?.invoke(await bed.httpEvent());
  await doors[4]?.invoke(batch(join('planted-user')), 60_000);
  bed.app.unknownUsers.add('planted-ghost');
  await queue.invoke(batch(join('planted-user'), join('planted-ghost'), 'planted-nonsense'), 60_000);
  await queue.invoke(batch(join('planted-user')), 6500);
  for (const how of [
    { kind: 'status', status: 401, body: '{"code":1006}' },
    { kind: 'status', status: 429, body: '{"code":1008}' },
    { kind: 'status', status: 500 },
    { kind: 'close' },
  ] as const) {
    bed.misbehave(how);
    await askAll();
  }
  bed.misbehave(undefined);
  bed.app.appSecret = 'other';
  await askAll();
  const printed = doors.map((door) => door.output()).join('\n');
  await bed.close();
  // What Lambda writes when a function can't start holds what Node says of it.
  const bundle = fileURLToPath(new URL('../dist/http.mjs', import.meta.url));
  const { stderr } = spawnSync(process.execPath, [bundle], { encoding: 'utf8', env: {} });
  lines = `${printed}\n${stderr}`.split('\n').flatMap((line) => (line === '' ? [] : [toFields(line)]));
}, 120_000);

/** What the doors counted, by code. */
function counted(metric: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const line of lines.filter(isMetric)) {
    if (typeof line.code === 'string') sums[line.code] = (sums[line.code] ?? 0) + Number(line[metric]);
  }
  return sums;
}
/** A column of rows, added up by code. */
function byCode(rows: readonly Row[], column: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const row of rows) sums[String(row.code)] = (sums[String(row.code)] ?? 0) + Number(row[column]);
  return sums;
}
const OF_BATCHES = ['INTERNAL', 'DEADLINE_EXCEEDED'];

describe('the queries of the docs', () => {
  it('are all read', () => {
    expect(QUERIES.length).toBeGreaterThanOrEqual(16);
    expect(lines.filter(isMetric).length).toBeGreaterThan(20);
  });

  it.each(QUERIES)('finds something, and no metric line: %s', (text) => {
    const rows = query(text, lines);
    expect(rows).not.toEqual([]);
    expect(rows).toEqual(query(text, withoutMetrics()));
  });

  it('count each failure once, as the metrics do', () => {
    const failures = QUERIES.find((text) => text.includes('as failures')) ?? '';
    const cutShort = QUERIES.find((text) => text.startsWith("filter message = 'batch cut short'")) ?? '';
    const expected = counted(names.failures);
    expect(Object.keys(expected).length).toBeGreaterThanOrEqual(9);
    const rows = query(failures, lines);
    const batches = byCode(query(cutShort, lines), 'batches');
    const found = byCode(rows, 'failures');
    for (const code of OF_BATCHES) found[code] = (found[code] ?? 0) + (batches[code] ?? 0);
    // A batch that could not even read the secret made no call, and is counted by its own line alone.
    delete expected.CREDENTIALS_UNAVAILABLE;
    delete found.CREDENTIALS_UNAVAILABLE;
    expect(found).toEqual(expected);
    for (const code of ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_CREDENTIALS', 'INVALID_REQUEST']) {
      expect(byCode(rows, 'users')[code]).toBe(counted(names.failedUsers)[code]);
    }
  });

  it.each(['UPSTREAM_CREDENTIALS', 'UPSTREAM_MISCONFIGURED', 'IDENTITY_UNAVAILABLE', 'UNAUTHENTICATED'])(
    'that ask for %s alone count it as often as the metrics do',
    (code) => {
      const text = QUERIES.find((one) => one.includes(`code = '${code}'`)) ?? '';
      const total = query(text, lines).reduce((sum, row) => sum + Number(row['count(*)']), 0);
      expect(total).toBe(counted(names.failures)[code]);
      expect(total).toBeGreaterThan(0);
    },
  );

  it('would count metric lines too if they named no message', () => {
    const careless = "filter code = 'UPSTREAM_CREDENTIALS' | stats count(*)";
    expect(query(careless, lines)[0]?.['count(*)']).toBeGreaterThan(
      Number(query(careless, withoutMetrics())[0]?.['count(*)']),
    );
  });
});
