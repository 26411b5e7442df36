import { join } from 'node:path'
import { z } from 'zod'
import { runChild } from '../harness/build.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, roundTo } from '../statistics.ts'
import { seedDatabase } from '../harness/seed-database.ts'

const resultSchema = z.object({ ms: z.number(), count: z.number(), longestMs: z.number() })
const maxRatio = 1.5

/** The time from opening a database with 100 000 workspaces until all of them are rehydrated. */
export const startBenchmark: Benchmark = async ({ folder, quick }) => {
  const path = join(folder, 'start.db')
  const count = quick ? 5000 : 100_000
  seedDatabase(path, count, 100)
  const runSide = (side: 'service' | 'bare') => () => runChild('start', { path, side }, resultSchema)
  const { a, b } = await runInTurns(quick ? 1 : 5, runSide('service'), runSide('bare'))
  const [ours, bare] = [a, b].map((runs) => median(runs.map(({ ms }) => ms)))
  const ratio = (ours ?? Number.NaN) / (bare ?? Number.NaN)
  return {
    kind: 'measured',
    name: `start until ready, ${count} stored workspaces`,
    baseline: 'reading the rows and starting bare actors',
    ratio,
    target: `≤ ${maxRatio}`,
    ok: ratio <= maxRatio,
    figures: {
      'service, ms': roundTo(ours ?? Number.NaN, 0),
      'bare, ms': roundTo(bare ?? Number.NaN, 0),
      'longest event loop delay, ms': roundTo(median(a.map(({ longestMs }) => longestMs)), 0),
    },
  }
}
