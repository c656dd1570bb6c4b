import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { JOIN_ERROR_CODES } from '../lib/errors.ts';
import { alarmTable } from './helpers/alarm-table.ts';
import { ALARMS, isPage } from './helpers/alarms.ts';

const load = createRequire(import.meta.url);
const dashboard: { Resources: { Dashboard: { Properties: { DashboardBody: { 'Fn::Sub': string } } } } } =
  load('../resources/dashboard.cjs');
const operations = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');

describe('the table of alarms', () => {
  const rows = alarmTable();
  const described = [...ALARMS].map(([name, alarm]) => ({ name, alarm, todo: alarm.AlarmDescription }));
  const partOf = (todo: string): string => todo.match(/ more under (\w+)\.$/)?.[1] ?? '';

  it('has every alarm of the template once, as the page or the ticket that it is, with a failure and what to do', () => {
    const inTemplate = described.map(({ name, alarm }) => `${name}: ${isPage(alarm) ? 'page' : 'ticket'}`);
    expect(inTemplate.length).toBeGreaterThan(30);
    expect(rows.map(({ alarm, kind }) => `${alarm}: ${kind}`).sort()).toEqual(inTemplate.sort());
    for (const { failure, todo } of rows) expect(Math.min(failure.length, todo.length)).toBeGreaterThan(10);
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

  it('pages within 10 minutes', () => {
    const pages = rows.filter(({ kind }) => kind === 'page');
    expect(pages.length).toBeGreaterThan(10);
    for (const { minutes } of pages) expect(minutes).toBeLessThanOrEqual(10);
  });

  it('costs what the document says', () => {
    const metrics = described.flatMap(({ alarm }) => alarm.Metrics.filter(({ MetricStat }) => MetricStat)).length;
    const cost = (metrics * 0.1).toFixed(2);
    expect(operations).toContain(`${described.length} alarms over ${metrics} metrics, $${cost};`);
  });
});

describe('the dashboard', () => {
  it('has a line for every code', () => {
    const body = dashboard.Resources.Dashboard.Properties.DashboardBody['Fn::Sub'];
    for (const code of JOIN_ERROR_CODES)
      expect(body).toContain(`"Failures","service","\${self:service}-\${sls:stage}","code","${code}"`);
  });

  it('is described widget by widget, row by row', () => {
    const body = dashboard.Resources.Dashboard.Properties.DashboardBody['Fn::Sub'];
    const { widgets }: { widgets: { y: number; properties: { title: string } }[] } = JSON.parse(body);
    const shown = ['Callers', 'RongCloud', 'Queue'].flatMap((row, y) =>
      widgets.filter((widget) => widget.y === y * 6).map(({ properties }) => `${row}: ${properties.title}`),
    );
    const described = [...operations.matchAll(/\n\| (Callers|RongCloud|Queue) \| ([^|]+) \|/g)].map(
      ([, row, title]) => `${row}: ${title}`,
    );
    expect(described).toEqual(shown);
    expect(shown).toHaveLength(widgets.length);
  });
});
