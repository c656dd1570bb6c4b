import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildContenders, httpEvent, startStandIns } from './contenders.ts';
import { type CpuProfile, microsecondsByPart } from './parts.ts';
import { startEnvironment } from './runtime-api.ts';

// What a start and a warm call of the HTTP door spend their time on, part by part. Being profiled makes a process
// slower, so read the shares: the times are those of the profile.

const STARTS = 10;
const WARM_UP_CALLS = 1000;
const CALLS = 5000;

const [ours] = await buildContenders();
if (!ours) throw new Error('nothing was built');
const { file } = ours;
const standIns = await startStandIns();
const event = httpEvent(standIns.tokens[0] ?? '', '{}');

/** The profile of an environment that answered, and the moment from which on it counts. */
async function profile(warmUpCalls: number, calls: number): Promise<{ profile: CpuProfile; from: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'profile-'));
  try {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=100'];
    const environment = await startEnvironment(file, standIns.env, flags);
    for (let i = 0; i < warmUpCalls; i++) await environment.invoke(event);
    const from = warmUpCalls > 0 ? (await environment.usage()).atMicroseconds : 0;
    for (let i = 0; i < calls; i++) await environment.invoke(event);
    await environment.end();
    const [name = ''] = await readdir(folder);
    return { profile: JSON.parse(await readFile(join(folder, name), 'utf8')), from };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function print(title: string, unit: string, sums: Map<string, number>, divisor: number, digits: number): void {
  const idle = sums.get('idle') ?? 0;
  sums.delete('idle');
  const busy = [...sums.values()].reduce((sum, value) => sum + value, 0);
  console.log(`| ${title} | ${unit} | share |\n|---|--:|--:|`);
  for (const [part, value] of [...sums].sort(([, a], [, b]) => b - a)) {
    console.log(`| ${part} | ${(value / divisor).toFixed(digits)} | ${((100 * value) / busy).toFixed(1)} % |`);
  }
  console.log(`| **busy** | ${(busy / divisor).toFixed(digits)} | 100 % |`);
  console.log(`\nIdle beside it: ${(idle / divisor).toFixed(digits)} ${unit}.\n`);
}

const start = new Map<string, number>();
for (let i = 0; i < STARTS; i++) {
  const { profile: one } = await profile(0, 1);
  for (const [part, value] of microsecondsByPart(one)) start.set(part, (start.get(part) ?? 0) + value);
}
print('a start with its first answer', 'ms', start, STARTS * 1000, 1);
const warm = await profile(WARM_UP_CALLS, CALLS);
print('a warm call', 'µs', microsecondsByPart(warm.profile, warm.from), CALLS, 0);
standIns.close();
