import { configDefaults, defineConfig } from 'vitest/config';

/** Minutes of simulated days, and every command of the docs: `npm run test:slow`. */
const SLOW = ['test/alarms.test.ts', 'test/commands.test.ts', 'test/model/outage.test.ts'];

export default defineConfig(({ mode }) => ({
  test: {
    include: mode === 'slow' ? SLOW : ['test/**/*.test.ts'],
    exclude: mode === 'slow' ? configDefaults.exclude : [...configDefaults.exclude, ...SLOW],
    globalSetup: ['test/helpers/build.ts'],
    setupFiles: ['test/helpers/closed-network.ts'],
    testTimeout: 20_000,
    hookTimeout: 90_000,
    restoreMocks: true,
    unstubEnvs: true,
  },
}));
