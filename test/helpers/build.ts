import { buildFunctions } from '../../build.ts';

/** Builds `dist/` once, before the tests that run it. */
export async function setup(): Promise<void> {
  await buildFunctions();
}
