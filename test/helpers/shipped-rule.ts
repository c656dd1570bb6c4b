import { readFileSync } from 'node:fs';

/** Whether lib/policy.ts still has the shipped rule, by its comment. Some tests are about that rule alone. */
export const IS_SHIPPED_RULE = readFileSync(new URL('../../lib/policy.ts', import.meta.url), 'utf8').includes(
  'As shipped:',
);
