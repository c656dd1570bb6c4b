import { readFileSync } from 'node:fs';

/** A row of the tables of alarms in docs/operations.md. */
export interface AlarmRow {
  failure: string;
  alarm: string;
  /** The part of the page that says more. */
  anchor: string;
  minutes: number;
  kind: string;
  /** What no other alarm tells. */
  alone: string;
}

const ROW = /^([^|\n]+) \| \[(\w+)\]\(#([\w-]+)\), (\d+) \| ([^|\n]+)$/gm;

/** The rows of both tables, that of pages and that of tickets. */
export function alarmTable(): AlarmRow[] {
  const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  return [...text.matchAll(/^(page|ticket)s \| alarm, minutes \|.*\n(?:.+\n)+/gm)].flatMap(([table, kind = '']) =>
    [...table.matchAll(ROW)].map(([, failure = '', alarm = '', anchor = '', minutes, alone = '']) => {
      return { failure, alarm, anchor, minutes: Number(minutes), kind, alone };
    }),
  );
}
