import { buildFunctions } from '../../build.ts';
import { startStandIns } from './claims.ts';

/** Builds `dist/` once, before the tests that run it, and starts what the rule in it asks. */
export async function setup(): Promise<unknown> {
  await buildFunctions();
  return startStandIns();
}
