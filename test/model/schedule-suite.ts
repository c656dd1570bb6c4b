import { afterAll, beforeAll, expect, it } from 'vitest';
import { brokenPromises } from './promises/checks.ts';
import { runSchedule } from './schedule.ts';

const CHUNK = Number(process.env.SCHEDULES ?? 100);

/** Tests that no schedule of these seeds breaks a promise. `SCHEDULE=17 npx vitest run test/model` runs one alone. */
export function keepsItsPromises(firstSeed: number, count: number): void {
  const only = process.env.SCHEDULE;
  const { stackTraceLimit } = Error;
  beforeAll(() => {
    // Most of the calls fail on purpose, and nobody reads their stacks.
    if (only === undefined) Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });
  const chunks = Array.from({ length: count / 100 }, (_, i) => firstSeed + i * 100);
  if (only !== undefined) it(`keeps every promise in schedule ${only}`, () => expectKept(Number(only), 1));
  else it.each(chunks)(`keeps every promise in the ${CHUNK} schedules from %i on`, (seed) => expectKept(seed, CHUNK));
}

async function expectKept(firstSeed: number, count: number): Promise<void> {
  const broken: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    for (const line of brokenPromises(await runSchedule(seed))) broken.push(`schedule ${seed}: ${line}`);
  }
  expect(broken).toEqual([]);
}
