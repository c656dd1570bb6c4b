import { defineConfig } from 'vitest/config';

/**
 * The tests that `npm run mutate` asks about each change to the code: those that are quick and need no build. Those of
 * telemetry do.
 */
export default defineConfig({
  test: {
    include: ['test/lib/**/*.test.ts', 'test/functions/*.test.ts', 'test/model/{partial-joins,schedules-1}.test.ts'],
    // Of each hundred.
    env: { SCHEDULES: '5' },
    exclude: ['test/lib/telemetry/**'],
    setupFiles: ['test/helpers/closed-network.ts'],
    restoreMocks: true,
    unstubEnvs: true,
  },
});
