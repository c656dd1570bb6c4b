import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';

const load = createRequire(import.meta.url);
const alarms: { Resources: Record<string, { Properties: { AlarmDescription: string } }> } =
  load('../resources/alarms.cjs');
const dashboard: { Resources: { Dashboard: { Properties: { DashboardBody: { 'Fn::Sub': string } } } } } =
  load('../resources/dashboard.cjs');
const operations = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');

describe('the alarms', () => {
  const described = Object.entries(alarms.Resources).map(([id, { Properties }]) => ({
    name: id.replace(/Alarm$/, ''),
    todo: Properties.AlarmDescription,
  }));

  it('say what to do, and have their part of the document', () => {
    expect(described.length).toBeGreaterThanOrEqual(10);
    for (const { todo } of described) expect(todo.length).toBeGreaterThan(60);
    const documented = [...operations.matchAll(/\n### (\w+)\n/g)].map(([, name]) => name);
    expect(documented.sort()).toEqual(described.map(({ name }) => name).sort());
  });

  it('wake somebody for what stops every join', () => {
    const paging = described.filter(({ todo }) => todo.startsWith('PAGE.'));
    expect(paging.map(({ name }) => name)).toEqual([
      'CredentialsRefused',
      'CredentialsUnavailable',
      'Misconfigured',
      'IdentityUnavailable',
    ]);
  });
});

describe('the dashboard', () => {
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
