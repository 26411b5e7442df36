import type { Reporter, TestModule } from 'vitest/node'

/** Names every test that was skipped, at the end: a run without an engine must not be taken for a run with one. */
export const skippedReporter: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => `  ${module.relativeModuleId}: ${test.fullName}`),
    )
    if (skipped.length > 0) process.stdout.write(`\n${skipped.length} skipped, by name:\n${skipped.join('\n')}\n`)
  },
}
