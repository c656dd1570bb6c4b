/** Prints a Markdown table, numbers to the right. */
export function printTable(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const sides = columns.map((_, i) => (Number.isNaN(Number(rows[0]?.[i])) ? '---' : '--:'));
  console.log(`\n${title}\n\n${[columns, sides, ...rows].map(line).join('\n')}`);
}

/** A figure and what it must not pass, or must reach. */
export interface Target {
  name: string;
  value: number;
  limit: number;
  atLeast?: boolean;
}

/** Prints which targets are met. */
export function printTargets(targets: readonly Target[]): void {
  const lines = targets.map(({ name, value, limit, atLeast = false }) => {
    const met = atLeast ? value >= limit : value <= limit;
    return `- ${name}: ${Number(value.toFixed(2))} (target ${atLeast ? '≥' : '≤'} ${limit}: ${met ? 'met' : 'missed'})`;
  });
  console.log(`\n${lines.join('\n')}`);
}

export function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 10_000 ? 2 : 1);
}
