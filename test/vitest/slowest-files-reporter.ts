import type { Reporter, TestModule } from 'vitest/node'

const shownFiles = 10

/** Prints the slowest test files of a run, so that a slow new test is noticed. */
export const slowestFilesReporter: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    const files = modules
      .map((module) => {
        const { collectDuration, setupDuration, duration } = module.diagnostic()
        return {
          path: module.relativeModuleId,
          ms: collectDuration + setupDuration + duration,
          tests: [...module.children.allTests()].length,
        }
      })
      .toSorted((first, second) => second.ms - first.ms)
      .slice(0, shownFiles)
    if (modules.length <= 1) return
    const lines = files.map(({ path, ms, tests }) => `  ${(ms / 1000).toFixed(1).padStart(6)} s  ${path} (${tests})`)
    process.stdout.write(`\nThe slowest test files:\n${lines.join('\n')}\n`)
  },
}
