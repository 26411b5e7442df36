import { join } from 'node:path'
import { z } from 'zod'
import { runChild } from '../harness/build.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, roundTo } from '../statistics.ts'
import { seedDatabase } from '../harness/seed-database.ts'

const resultSchema = z.object({ bytes: z.number(), count: z.number() })
const maxRatio = 2

/** Heap per idle workspace, with 20 000 running workspaces. */
export const heapBenchmark: Benchmark = async ({ folder, quick }) => {
  const path = join(folder, 'heap.db')
  const count = quick ? 2000 : 20_000
  seedDatabase(path, count)
  const runSide = (side: 'service' | 'bare') => async () => {
    const { bytes, count: liveCount } = await runChild('heap', { path, side }, resultSchema, { flags: ['--expose-gc'] })
    if (liveCount !== count) throw new Error(`${liveCount} of ${count} workspaces are live`)
    return bytes
  }
  const { a, b } = await runInTurns(quick ? 1 : 3, runSide('service'), runSide('bare'))
  const ratio = median(a) / median(b)
  return {
    kind: 'measured',
    name: 'heap per idle workspace',
    baseline: 'a bare started actor with the same context',
    ratio,
    target: `≤ ${maxRatio}`,
    ok: ratio <= maxRatio,
    figures: { workspaces: count, 'service, bytes': roundTo(median(a), 0), 'bare, bytes': roundTo(median(b), 0) },
  }
}
