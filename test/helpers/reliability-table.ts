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
          ...[...answers].map(([gets, some]) => `| \`${gets}\` | ${some.map(([fault]) => fault).join('<br>')} |`),
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
