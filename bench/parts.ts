import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

// Whose work a CPU profile of the bundle shows.

/** The part of a CPU profile, as V8 writes it, that this reads. */
export interface CpuProfile {
  nodes: ProfileNode[];
  startTime: number;
  samples: number[];
  /** Microseconds since the sample before. */
  timeDeltas: number[];
}

interface ProfileNode {
  id: number;
  callFrame: CallFrame;
  children?: number[];
}

interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
  columnNumber: number;
}

/** What a function of the bundle belongs to, by its source: the first that fits. */
const SOURCES: readonly [RegExp, string][] = [
  [/node_modules\/@aws-lambda-powertools\/metrics\/|lib\/telemetry\/metric-names/, 'metrics'],
  [/node_modules\/(@aws-lambda-powertools|@aws\/lambda-invoke-store)\/|lib\/telemetry\//, 'log lines'],
  [/node_modules\/(@smithy|@aws-sdk|@aws-crypto)\/|lib\/(credentials|aws-client)/, "the secret: AWS's SDK"],
  [/node_modules\/jose\/|lib\/identity\//, 'the token: jose and the keys'],
  [/node_modules\/valibot\/|lib\/join\/request/, 'the check of the request'],
  [/lib\/rongcloud\/transport/, "the post to RongCloud: node:http's part"],
  [/lib\/rongcloud\/(signature|form|attempt)/, 'nonce, signature and form'],
  [/(^|\/)(lib|functions)\//, 'all else of this project'],
];

/** What V8 and Node do themselves, by the name of their function: also for all that is called below it. */
const OWN_WORK = new Map([
  ['internalCompileFunction', 'compiling'],
  ['compileSourceTextModule', 'compiling'],
  ['compileForInternalLoader', "Node's own modules"],
  ['writeLatin1String', 'writing to sockets'],
  ['writeUtf8String', 'writing to sockets'],
  ['writev', 'writing to sockets'],
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'Node outside of JavaScript'],
  ['(idle)', 'idle'],
]);

/** Microseconds of each part in a profile, from a moment of its clock on. */
export function microsecondsByPart(profile: CpuProfile, from = 0): Map<string, number> {
  const parts = partOfEachNode(profile);
  const sums = new Map<string, number>();
  let at = profile.startTime;
  profile.timeDeltas.forEach((delta, i) => {
    at += delta;
    const part = at < from ? undefined : parts.get(profile.samples[i] ?? 0);
    if (part !== undefined) sums.set(part, (sums.get(part) ?? 0) + delta);
  });
  return sums;
}

/** A frame belongs to what it is, or to the nearest above it: Node's functions work for whoever called them. */
function partOfEachNode({ nodes }: CpuProfile): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parts = new Map<number, string>();
  const name = (node: ProfileNode, above: string, isSettled: boolean): void => {
    const own = OWN_WORK.get(node.callFrame.functionName);
    const part = isSettled ? above : (own ?? partOfFrame(node.callFrame) ?? above);
    parts.set(node.id, part);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child) name(child, part, isSettled || own !== undefined);
    }
  };
  const [root] = nodes;
  if (root) name(root, "Node's event loop", false);
  return parts;
}

function partOfFrame({ url, lineNumber, columnNumber }: CallFrame): string | undefined {
  if (url.startsWith('node:internal/modules/')) return 'finding and reading files';
  if (url.includes('/.bench/')) return 'the runtime client';
  const source = url.includes('/dist/') ? sourceOf(url, lineNumber, columnNumber) : undefined;
  return source === undefined ? undefined : SOURCES.find(([pattern]) => pattern.test(source))?.[1];
}

const maps = new Map<string, SourceMap>();

function sourceOf(url: string, line: number, column: number): string | undefined {
  if (url.endsWith('.mjs')) return undefined;
  let map = maps.get(url);
  if (!map) {
    map = new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(new URL(url, 'file:'))}.map`, 'utf8')));
    maps.set(url, map);
  }
  const place = map.findEntry(line, column);
  return 'originalSource' in place ? place.originalSource : undefined;
}
