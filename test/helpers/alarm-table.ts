import { readFileSync } from 'node:fs';

/** A row of the table of alarms in docs/operations.md. */
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

const ROW = /^\| ([^|]+) \| \[(\w+)\]\(#([\w-]+)\) \| (\d+) min \| (page|ticket) \| ([^|]+) \|$/gm;

export function alarmTable(): AlarmRow[] {
  const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  return [...text.matchAll(ROW)].map(([, failure = '', alarm = '', anchor = '', minutes, kind = '', alone = '']) => {
    return { failure, alarm, anchor, minutes: Number(minutes), kind, alone };
  });
}
