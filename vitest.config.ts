import { configDefaults, defineConfig } from 'vitest/config'
import { skippedReporter } from './test/vitest/skipped-reporter.ts'
import { slowestFilesReporter } from './test/vitest/slowest-files-reporter.ts'

/** Tests that need an engine, a browser, real kills or long waits. `npm run test:live` runs them. */
export const liveTests = 'test/**/*.live.test.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, liveTests],
    globalSetup: ['test/vitest/global-setup.ts'],
    // Files share one module graph for each worker: a graph of its own for every file cost more time than the tests.
    isolate: false,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    reporters: ['default', skippedReporter, slowestFilesReporter],
  },
})
