import { defineConfig } from 'vitest/config'
import { skippedReporter } from './test/vitest/skipped-reporter.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/vitest/global-setup.ts'],
    // Many tests wait for engines, kills and deadlines: two at a time keep even two cores no busier than one would.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    reporters: ['default', skippedReporter],
  },
})
