import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { JOIN_ERROR_CODES } from '../lib/errors.ts';
import { type Line, withBug } from './helpers/built-door.ts';
import { SERVICE } from './helpers/claims.ts';
import { startTelemetryBed } from './helpers/telemetry-bed.ts';

// The Logs Insights queries of the docs, beside what the doors print.
const ROOT = new URL('../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');
const PAGES = ['README.md', 'SECURITY.md', ...readdirSync(new URL('docs', ROOT)).map((page) => `docs/${page}`)];
const QUERIES = PAGES.filter((page) => page.endsWith('.md')).flatMap((page) =>
  [...read(page).matchAll(/^```\w*\n((?:filter|stats|fields|parse|sort) .+)\n```$/gm)].map(([, text = '']) => text),
);
const WORDS = new Set('filter stats fields sort limit by as and or not in like asc desc'.split(' '));
const CLOUDWATCHS_OWN = ['@message', '@timestamp'];

/** The fields that a query names, without the columns that it makes itself. */
function fieldsOf(query: string): string[] {
  const bare = query.replace(/like \/(?:\\.|[^/\\])+\/|'[^']*'|"[^"]*"/g, "''");
  const own = new Set([...bare.matchAll(/\bas (\w+)/g)].map(([, name]) => name));
  return [...bare.matchAll(/@?\b[A-Za-z_][\w.]*\b(?!\()/g)]
    .map(([name]) => name)
    .filter((name) => !WORDS.has(name) && !own.has(name) && !CLOUDWATCHS_OWN.includes(name))
    .map((name) => name.replace(/\.\d+$/, ''));
}

/** The values that a query compares a field with. */
function valuesOf(query: string, field: string): string[] {
  return [...query.matchAll(new RegExp(`\\b${field} (?:=|!=|in) (\\[[^\\]]*\\]|'[^']*')`, 'g'))].flatMap(
    ([, values = '']) => [...values.matchAll(/'([^']*)'/g)].map(([, value = '']) => value),
  );
}

/** Of the doors' lines and of API Gateway's access log. */
let logs: ReadonlySet<string>[];
let metricFields: ReadonlySet<string>;
let messages: ReadonlySet<unknown>;

beforeAll(async () => {
  const bed = await startTelemetryBed();
  const nowhere = 'http://127.0.0.1:9';
  const http = await bed.start('http', { JOIN_QUEUE_URL: `${nowhere}/0/joins` });
  const bus = { RESULT_BUS: 'results', RESULT_SOURCE: 'joins', AWS_ENDPOINT_URL_EVENTBRIDGE: nowhere };
  const queue = await bed.start('queue', bus);
  const batch = {
    Records: ['{"groupId":"g","userIds":["planted-user"]}', 'planted-nonsense'].map((body, i) => ({
      messageId: `m${i}`,
      receiptHandle: `h${i}`,
      body,
      attributes: { SentTimestamp: String(Date.now()), ApproximateReceiveCount: '1' },
    })),
  };
  const claims = { ...SERVICE, client_id: 'backend-7' };
  await http.invoke(await bed.httpEvent({ claims, body: '{"userIds":["planted-user"]}' }));
  await http.invoke(withBug(await bed.httpEvent()));
  await queue.invoke(batch, 60_000);
  bed.misbehave({ kind: 'status', status: 500, body: '{"code":1000}' });
  await http.invoke(await bed.httpEvent({ headers: { prefer: 'respond-async, wait=1' } }));
  bed.misbehave({ kind: 'status', status: 401, body: '{"code":1006}' });
  await queue.invoke(batch, 60_000);
  const printed = [http, queue].flatMap((door) => door.output().split('\n'));
  await bed.close();
  const lines: Line[] = printed.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const fields = (isMetric: boolean) =>
    new Set(lines.filter(({ _aws }) => (_aws !== undefined) === isMetric).flatMap((line) => Object.keys(line)));
  metricFields = fields(true);
  messages = new Set(lines.map(({ message }) => message));
  const accessLog: string = parse(read('serverless.yml'), { logLevel: 'silent' }).provider.logs.httpApi.format;
  logs = [fields(false), new Set(Object.keys(JSON.parse(accessLog)))];
});

/** What is wrong with a query: empty if nothing is. */
function faultsOf(query: string): string[] {
  const unknown = logs.map((fields) => fieldsOf(query).filter((field) => !fields.has(field)));
  const [fewest = []] = unknown.toSorted((a, b) => a.length - b.length);
  const strange = valuesOf(query, 'message').filter((message) => !messages.has(message));
  const codes = [...valuesOf(query, 'code'), ...valuesOf(query, 'queueRefusal')];
  const noCodes = codes.filter((code) => !JOIN_ERROR_CODES.some((one) => one === code));
  // Metrics are lines of the same logs. A filter that names no field but theirs counts them too.
  const [filter = ''] = query.split(' | ');
  const countsMetrics = fieldsOf(filter).length > 0 && fieldsOf(filter).every((field) => metricFields.has(field));
  return [...fewest, ...strange, ...noCodes, ...(countsMetrics ? ['counts metrics'] : [])];
}

describe('the queries of the docs', () => {
  it('are all read', () => {
    const blocks = PAGES.map((page) => (page.endsWith('.md') ? read(page) : '')).join('\n');
    expect(QUERIES).toHaveLength([...blocks.matchAll(/^(filter|stats|fields) .*\|/gm)].length);
    expect(QUERIES.length).toBeGreaterThanOrEqual(15);
  });

  it.each(QUERIES)('name fields, messages and codes that are written, and count no metric line: %s', (query) => {
    expect(faultsOf(query)).toEqual([]);
  });

  it.each([
    ["filter message = 'joined' and userId = 'a' | stats count(*)", ['userId']],
    ["filter message = 'joined' | stats sum(join) / sum(users) as share by domain, bin(5m)", ['join']],
    [
      'filter message like /joined/ | stats pct(upstreamms, 99) by coalesce(client, clientId)',
      ['upstreamms', 'clientId'],
    ],
    ["filter message = 'joined' | sort durationMs desc | fields stacks.0", ['stacks']],
    ["filter message in ['joined', 'jonied'] | stats count(*)", ['jonied']],
    ["filter message = 'not joined' and code = 'FULL' | stats count(*)", ['FULL']],
    ["filter code = 'GROUP_FULL' | stats count(*) by door", ['counts metrics']],
  ])('would not pass otherwise: %s', (query, faults) => {
    expect(faultsOf(query)).toEqual(faults);
  });
});
