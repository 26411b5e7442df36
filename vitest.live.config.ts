import { defineConfig, mergeConfig } from 'vitest/config'
import fastTests, { liveTests } from './vitest.config.ts'

// `mergeConfig` would append to the lists of the fast tests: both are replaced.
const merged = mergeConfig(fastTests, {})

export default defineConfig({
  ...merged,
  // Real engines, browsers and kills on a busy machine: one retry, which the report shows.
  test: { ...merged.test, include: [liveTests], exclude: ['**/node_modules/**'], retry: 1 },
})
