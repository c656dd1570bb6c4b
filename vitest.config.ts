import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

/**
 * What takes minutes: simulated days, every command and rule of the docs, the memory of hostile bodies and of many
 * calls, the suite under another rule, and a configured copy. `npm run test:slow`.
 */
const SLOW = [
  'alarms',
  'commands',
  'configured',
  'heap',
  'memory',
  'model/outage',
  'model/queues-down',
  'own-rule',
  'policy-docs',
  'sandbox/aws/cli',
].map((name) => `test/${name}.test.ts`);

export default defineConfig(({ mode }) => ({
  test: {
    include: mode === 'slow' ? SLOW : ['test/**/*.test.ts'],
    exclude: mode === 'slow' ? configDefaults.exclude : [...configDefaults.exclude, ...SLOW],
    globalSetup: ['test/helpers/build.ts'],
    setupFiles: ['test/helpers/closed-network.ts'],
    // No test file leaves anything behind in a module, so each worker loads the code once.
    isolate: false,
    // Many tests wait for processes and sockets, so three can share a machine of two cores, and two of the slow ones.
    // Vitest would run one.
    maxWorkers: Math.max(mode === 'slow' ? 2 : 3, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 90_000,
    restoreMocks: true,
    unstubEnvs: true,
  },
}));
