import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

// Where a place in the bundle is in the source: `npm run build && npm run locate -- dist/http.cjs:1:21352`, on the commit
// that was deployed. Builds are deterministic, so the same commit has the same places.

const [, file = '', line = '', column = ''] =
  /([\w./-]*dist\/[\w./-]+\.cjs):(\d+):(\d+)/.exec(process.argv[2] ?? '') ?? [];
if (!file) {
  console.error('Give a place as it stands in a stack: dist/http.cjs:1:21352');
  process.exit(1);
}
const map = new SourceMap(JSON.parse(readFileSync(`${file.slice(file.indexOf('dist/'))}.map`, 'utf8')));
const place = map.findEntry(Number(line) - 1, Number(column) - 1);
console.log(
  'originalSource' in place
    ? `${place.originalSource}:${place.originalLine + 1}:${place.originalColumn + 1}`
    : 'not found',
);
