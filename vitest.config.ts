import { defineConfig } from 'vitest/config'
import { skippedReporter } from './test/skipped-reporter.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    reporters: ['default', skippedReporter],
  },
})
