import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

// Where a place in the bundle is in the source: `npm run build && npm run locate -- dist/http.cjs:1:21352`, on the commit
// that was deployed. Builds are deterministic, so the same commit has the same places.

/** A text with the places of the bundle in it as places of the source. */
export function located(text: string): string {
  return text.replaceAll(/[^\s("]*(dist\/[\w./-]+\.cjs):(\d+):(\d+)/g, (found, file, line, column) => {
    const map = new SourceMap(JSON.parse(readFileSync(new URL(`${file}.map`, import.meta.url), 'utf8')));
    const place = map.findEntry(Number(line) - 1, Number(column) - 1);
    if (!('originalSource' in place)) return found;
    return `${place.originalSource}:${place.originalLine + 1}:${place.originalColumn + 1}`;
  });
}

if (import.meta.main) {
  const given = process.argv[2] ?? '';
  const isPlace = /dist\/[\w./-]+\.cjs:\d+:\d+/.test(given);
  if (isPlace) console.log(located(given) === given ? 'not found' : located(given));
  else console.error('Give a place as it stands in a stack: dist/http.cjs:1:21352');
  process.exitCode = isPlace ? 0 : 1;
}
