import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/build.ts'],
    setupFiles: ['test/helpers/closed-network.ts'],
    testTimeout: 20_000,
    hookTimeout: 90_000,
    restoreMocks: true,
    unstubEnvs: true,
  },
});
