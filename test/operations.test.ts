import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { JOIN_ERROR_CODES } from '../lib/errors.ts';
import { alarmTable } from './helpers/alarm-table.ts';
import { ALARMS, isPage } from './helpers/alarms.ts';

const load = createRequire(import.meta.url);
const { DASHBOARD }: { DASHBOARD: { Properties: { DashboardBody: { 'Fn::Sub': string } } } } =
  load('../resources/dashboard.cjs');
const body = DASHBOARD.Properties.DashboardBody['Fn::Sub'];
const read = (page: string) => readFileSync(new URL(`../docs/${page}`, import.meta.url), 'utf8');
const operations = read('operations.md');
const deployment = read('deployment.md');

describe('the table of alarms', () => {
  const rows = alarmTable();
  const described = [...ALARMS].map(([name, alarm]) => ({ name, alarm, todo: alarm.AlarmDescription }));
  const partOf = (todo: string): string => todo.match(/ more under (\w+)\.$/)?.[1] ?? '';

  it('has every alarm of the template once, as the page or the ticket that it is, with a failure and what it alone tells', () => {
    const inTemplate = described.map(({ name, alarm }) => `${name}: ${isPage(alarm) ? 'page' : 'ticket'}`);
    expect(inTemplate.length).toBeGreaterThanOrEqual(18);
    expect(rows.map(({ alarm, kind }) => `${alarm}: ${kind}`).sort()).toEqual(inTemplate.sort());
    for (const { failure } of rows) expect(failure.length).toBeGreaterThan(10);
    for (const { alone } of rows) expect(alone.length).toBeGreaterThan(10);
  });

  it('leads to the part of the document that the alarm names, and every part has its alarm', () => {
    for (const { alarm, anchor } of rows) {
      expect(partOf(ALARMS.get(alarm)?.AlarmDescription ?? '').toLowerCase()).toBe(anchor);
    }
    const [, part = ''] = operations.split(/^## Alarms$/m);
    const headings = [...(part.split(/^## /m)[0] ?? '').matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    expect(headings.sort()).toEqual([...new Set(described.map(({ todo }) => partOf(todo)))].sort());
  });

  it('is what the alarms themselves say first: a page or a ticket, then what to do', () => {
    for (const { todo } of described) expect(todo).toMatch(/^(PAGE|TICKET)\. .{60,900}$/);
  });

  it('pages within 10 minutes, and within 15 if only callers notice', () => {
    const pages = rows.filter(({ kind }) => kind === 'page');
    expect(pages.length).toBeGreaterThan(10);
    for (const { alarm, minutes } of pages) expect(minutes).toBeLessThanOrEqual(/Refuse/.test(alarm) ? 15 : 10);
  });

  it('costs what the document says', () => {
    const metrics = described.flatMap(({ alarm }) => alarm.Metrics.filter(({ MetricStat }) => MetricStat)).length;
    const cost = (metrics * 0.1).toFixed(2);
    expect(deployment).toContain(
      `| ${described.length} alarms over ${metrics} metrics, $0.10 each | none | $${cost} |`,
    );
  });
});

describe('what a month costs', () => {
  const [, part = ''] = deployment.split(/^## What it costs$/m);
  const rows = [...part.matchAll(/^\| (.+) \| (.+) \| (.+) \|$/gm)].map(([, what = '', ...sums]) => ({
    what,
    sums: sums.map((sum) => Number(/^\$([\d.]+)/.exec(sum)?.[1] ?? 0)),
  }));
  const last = rows.find(({ what }) => what === 'sum');
  const sumOf = (column: number) => {
    return rows.filter((row) => row !== last).reduce((sum, { sums }) => sum + (sums[column] ?? 0), 0);
  };

  it('is the sum of its parts, and under a dollar for the smallest stage', () => {
    expect(rows.length).toBeGreaterThan(5);
    expect([sumOf(0).toFixed(2), sumOf(1).toFixed(2)]).toEqual(last?.sums.map((sum) => sum.toFixed(2)));
    expect(last?.sums[0]).toBeLessThan(1);
  });

  it('counts the requests of an idle queue as Lambda makes them', () => {
    const requests = (5 * 30 * 24 * 3600) / 20;
    expect(((requests / 1e6) * 0.4).toFixed(2)).toBe('0.26');
    expect(part).toContain('650 000 requests at $0.40 a million | $0.26 | $0.26 |');
  });
});

describe('the dashboard', () => {
  it('has a line for every code', () => {
    for (const code of JOIN_ERROR_CODES)
      expect(body).toContain(`"Failures","service","\${self:service}-\${sls:stage}","code","${code}"`);
  });

  it('is one of the free ones, with at most 50 metrics', () => {
    const { widgets }: { widgets: { properties: { metrics: unknown[] } }[] } = JSON.parse(body);
    const metrics = widgets.flatMap(({ properties }) => properties.metrics);
    expect(metrics.length).toBeGreaterThan(JOIN_ERROR_CODES.length);
    expect(metrics.length).toBeLessThanOrEqual(50);
  });

  it('is described widget by widget, row by row', () => {
    const { widgets }: { widgets: { y: number; properties: { title: string } }[] } = JSON.parse(body);
    const shown = ['Callers', 'RongCloud', 'Queue'].flatMap((row, y) =>
      widgets.filter((widget) => widget.y === y * 6).map(({ properties }) => `${row}: ${properties.title}`),
    );
    const described = [...operations.matchAll(/^- (Callers|RongCloud|Queue): (.+)$/gm)].flatMap(
      ([, row, titles = '']) => titles.split(', ').map((title) => `${row}: ${title.replace(/ \(.+\)$/, '')}`),
    );
    expect(described).toEqual(shown);
    expect(shown).toHaveLength(widgets.length);
  });
});
