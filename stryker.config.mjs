// `npm run mutate` changes the code in small ways, one at a time, and lists each change that no test notices.
// One folder alone: `npm run mutate -- --mutate 'lib/identity/**'`.
export default {
  mutate: [
    'lib/rongcloud/**',
    'lib/identity/**',
    'lib/join/**',
    'lib/queue/**',
    'lib/clock.ts',
    'lib/errors.ts',
    'lib/ids.ts',
    'lib/policy.ts',
  ],
  plugins: ['@stryker-mutator/vitest-runner'],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutate.config.ts', related: false },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // Stryker 10 reads tsconfig.json with TypeScript's own API, which TypeScript 7 does not have. It reads no ignored file.
  ignorePatterns: ['/tsconfig.json', '/bench', '/nag', '/dist', '/.serverless'],
  reporters: ['clear-text'],
  clearTextReporter: { reportTests: false },
  thresholds: { high: 90, low: 85, break: 85 },
};
