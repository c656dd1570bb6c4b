import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { buildContenders, type Contender, httpEvent, startStandIns } from './contenders.ts';
import { type Environment, startEnvironment } from './runtime-api.ts';
import { median, percentile, spread } from './statistics.ts';

// Ours beside what people write and beside the least that joins, in turn within one run, each in a fresh process.
// The results are printed. docs/performance.md has the most important ones.

const RUNS = Number(process.env.RUNS || 15);
const WARM_UP_CALLS = 200;
const WARM_CALLS = 2000;

/** What is measured of one environment. */
interface Sample {
  readyMs: number;
  firstAnswerMs: number;
  distantFirstAnswerMs: number;
  warmP50Ms: number;
  warmP99Ms: number;
  newTokenP50Ms: number;
  cpuPerCallMs: number;
  peakMegabytes: number;
}

const MEASURES: Record<keyof Sample, { title: string; digits: number; target?: { naive?: number; floor?: number } }> = {
  readyMs: { title: 'start to ready, ms', digits: 1 },
  firstAnswerMs: { title: 'start to first answer, ms', digits: 1, target: { naive: 0.68 } },
  distantFirstAnswerMs: { title: 'start to first answer over TLS, 20 ms away, ms', digits: 1, target: { naive: 0.65 } },
  warmP50Ms: { title: 'warm p50, ms', digits: 3, target: { naive: 0.75, floor: 1.5 } },
  warmP99Ms: { title: 'warm p99, ms', digits: 3 },
  newTokenP50Ms: { title: 'warm p50, a new token each call, ms', digits: 3, target: { naive: 0.8 } },
  cpuPerCallMs: { title: 'CPU per warm call, ms', digits: 3, target: { naive: 0.85 } },
  peakMegabytes: { title: 'peak memory, MB', digits: 1, target: { naive: 0.5 } },
};

const contenders = await buildContenders();
const standIns = await startStandIns();
const events = standIns.tokens.map((token) => httpEvent(token, '{}'));
const [event = {}] = events;

/** A fresh environment that has answered once, and how long that took from its start. */
async function startAndAnswer({ file, name }: Contender, env: Record<string, string>) {
  const startedAt = performance.now();
  const environment = await startEnvironment(file, env);
  const first = await environment.invoke(event);
  const firstAnswerMs = performance.now() - startedAt;
  const answer = Object(first.answer);
  if (answer.statusCode !== 200) throw new Error(`${name} answered ${JSON.stringify(answer)}`);
  return { environment, firstAnswerMs };
}

/** The time of each of some calls, with these events in turn. */
async function callTimes(environment: Environment, inTurn: readonly object[], calls: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < calls; i++) times.push((await environment.invoke(inTurn[i % inTurn.length] ?? event)).ms);
  return times;
}

async function sample(contender: Contender): Promise<Sample> {
  const { environment, firstAnswerMs } = await startAndAnswer(contender, standIns.env);
  await callTimes(environment, [event], WARM_UP_CALLS);
  const before = await environment.usage();
  const times = await callTimes(environment, [event], WARM_CALLS);
  const after = await environment.usage();
  // A thousand tokens in turn: none is among the last hundred, so each is verified.
  await callTimes(environment, events, WARM_UP_CALLS);
  const newTokenTimes = await callTimes(environment, events, WARM_CALLS);
  await environment.close();
  const distant = await startAndAnswer(contender, standIns.distantEnv);
  await distant.environment.close();
  return {
    readyMs: environment.readyMs,
    firstAnswerMs,
    distantFirstAnswerMs: distant.firstAnswerMs,
    warmP50Ms: median(times),
    warmP99Ms: percentile(times, 0.99),
    newTokenP50Ms: median(newTokenTimes),
    cpuPerCallMs: (after.cpuMicroseconds - before.cpuMicroseconds) / 1000 / WARM_CALLS,
    peakMegabytes: after.peakKilobytes / 1024,
  };
}

const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]));
for (let run = -1; run < RUNS; run++) {
  for (const contender of contenders) {
    const measured = await sample(contender);
    // The first round warms the disk's cache and is not counted.
    if (run >= 0) samples.get(contender.name)?.push(measured);
  }
  process.stderr.write(`\rround ${Math.max(0, run + 1)} of ${RUNS}`);
}
process.stderr.write('\n');
standIns.close();

const valuesOf = (name: string, key: keyof Sample) => (samples.get(name) ?? []).map((one) => one[key]);
/** The median of the ratios pair by pair, so that a machine that drifts does not matter. */
const ratio = (key: keyof Sample, other: string) => {
  const others = valuesOf(other, key);
  return median(valuesOf('ours', key).map((value, i) => value / (others[i] ?? Number.NaN)));
};
const judged = (value: number, target: number | undefined) =>
  `${value.toFixed(2)}${target === undefined ? '' : ` (target ≤ ${target}: ${value <= target ? 'met' : '**missed**'})`}`;

/** What ours gains on naive must not shrink with the distance: missed if the middle half of the rounds says that it does. */
function judgedGain(): string {
  const gains = (key: keyof Sample) =>
    valuesOf('naive', key).map((value, i) => value - (valuesOf('ours', key)[i] ?? 0));
  const near = gains('firstAnswerMs');
  const more = gains('distantFirstAnswerMs').map((gain, i) => gain - (near[i] ?? Number.NaN));
  return `(gains ${spread(more, 0)} ms more than on loopback, target ≥ 0: ${percentile(more, 0.75) >= 0 ? 'met' : '**missed**'})`;
}

const rows = (Object.keys(MEASURES) as (keyof Sample)[]).map((key) => {
  const { title, digits, target } = MEASURES[key];
  const cells = ['ours', 'naive', 'floor'].map((name) => spread(valuesOf(name, key), digits));
  const beside = judged(ratio(key, 'naive'), target?.naive);
  const gain = key === 'distantFirstAnswerMs' ? ` ${judgedGain()}` : '';
  return [title, ...cells, beside + gain, judged(ratio(key, 'floor'), target?.floor)];
});
const sizes = contenders.map(
  ({ packageBytes, packageFiles }) => `${Math.round(packageBytes / 1024)} in ${packageFiles}`,
);
const sizeOf = (name: string) => contenders.find((one) => one.name === name)?.packageBytes ?? Number.NaN;
rows.push([
  'package, kB in files',
  ...sizes,
  judged(sizeOf('ours') / sizeOf('naive'), undefined),
  judged(sizeOf('ours') / sizeOf('floor'), undefined),
]);

const head = ['', 'ours', 'naive', 'floor', 'ours ÷ naive', 'ours ÷ floor'];
const toLine = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const table = [head, head.map(() => '---'), ...rows].map(toLine).join('\n');
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
const section = `\`npm run bench\` on ${machine}, Node ${process.version}, commit ${commit}, ${new Date().toISOString().slice(0, 10)}:
${RUNS} rounds, medians with the middle half in brackets, ratios as the median of the rounds' ratios.

${table}
`;

console.log(section);
