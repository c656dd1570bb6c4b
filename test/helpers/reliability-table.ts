import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Answer, type BedOptions, type FaultBed, inWords, startFaultBed } from './fault-bed.ts';

/** A fault and what the caller gets, as a table of docs/reliability.md has it. */
type Row = readonly [fault: string, gets: string];

export interface ReliabilityTable {
  /** Tests a fault: `meet` brings the fault about and gives the answer that the table has. */
  row(fault: string, gets: string, meet: (bed: FaultBed) => Promise<Answer>, options?: BedOptions): void;
  /** Tests that the document's section of this name has exactly these faults. */
  matchesTheDocument(): void;
}

const DOCUMENT = new URL('../../docs/reliability.md', import.meta.url);

export function reliabilityTable(section: string): ReliabilityTable {
  const rows: Row[] = [];
  return {
    row(fault, gets, meet, options = {}) {
      rows.push([fault, gets]);
      it(`${fault}: ${gets}`, async () => {
        const bed = await startFaultBed(options);
        try {
          expect(inWords(await meet(bed))).toBe(gets);
        } finally {
          await bed.close();
        }
      });
    },
    matchesTheDocument() {
      it(`stands in docs/reliability.md under "${section}" as tested`, () => {
        const answers = Map.groupBy(rows, ([, gets]) => gets);
        const lines = [
          '| the caller gets | if |',
          '|---|---|',
          ...[...answers].map(([gets, some]) => `| \`${gets}\` | ${merged(some.map(([fault]) => fault))} |`),
        ];
        const tested = `### ${section}\n\n${lines.join('\n')}\n`;
        const document = readFileSync(DOCUMENT, 'utf8');
        const written = new RegExp(`### ${section}\\n\\n(\\|.*\\n)*`).exec(document)?.[0] ?? '';
        // UPDATE_DOCS=1 npm test -- test/faults --no-file-parallelism writes the tables anew.
        if (process.env.UPDATE_DOCS)
          writeFileSync(
            DOCUMENT,
            document.replace(written, () => tested),
          );
        else expect(written).toBe(tested);
      });
    },
  };
}

/** Faults whose first two words are the same, as one line that says once what all of them begin with. */
function merged(faults: readonly string[]): string {
  const groups = Map.groupBy(faults, (fault) => fault.split(' ', 2).join(' '));
  const lines = [...groups.values()].map((group) => {
    if (group.length === 1) return group.join('');
    const beginning = commonBeginning(group);
    const ends = group.map((fault) => fault.slice(beginning.length + 1));
    return `${beginning.replace(/:$/, '')}: ${ends.join('; ')}`;
  });
  return lines.join('<br>');
}

/** The words that all texts begin with. */
function commonBeginning([first = '', ...others]: readonly string[]): string {
  const words = first.split(' ');
  const differs = words.findIndex((word, i) => others.some((other) => other.split(' ')[i] !== word));
  return words.slice(0, differs).join(' ');
}
