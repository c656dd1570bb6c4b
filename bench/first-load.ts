import { readFileSync } from 'node:fs';
import { buildFunctions } from '../build.ts';

// What each door loads before it can do anything: its entry and the chunks that it imports statically. With --check,
// fails if the HTTP door's has grown past its budget, which a person raises knowingly.

const { outputs } = await buildFunctions();

/** Bytes of an entry and of all that it imports statically. */
function firstLoad(entry: string): number {
  const seen = new Set<string>();
  const add = (file: string): void => {
    const output = outputs[file];
    if (!output || seen.has(file)) return;
    seen.add(file);
    for (const { path, kind } of output.imports) if (kind === 'import-statement') add(path);
  };
  add(entry);
  return [...seen].reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0);
}

const budget: { httpFirstLoadBytes: number } = JSON.parse(
  readFileSync(new URL('./size-budget.json', import.meta.url), 'utf8'),
);
for (const door of ['http', 'invoke', 'queue'])
  console.log(`${door} loads ${firstLoad(`dist/${door}.cjs`)} bytes first`);
const http = firstLoad('dist/http.cjs');
const most = Math.floor(budget.httpFirstLoadBytes * 1.05);
if (process.argv.includes('--check') && http > most) {
  console.error(
    `The HTTP door loads ${http} bytes first, over 5 % more than bench/size-budget.json allows (${budget.httpFirstLoadBytes}).`,
  );
  process.exit(1);
}
