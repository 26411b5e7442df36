import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runChild } from '../harness/build.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, roundTo } from '../benchmark.ts'
import { seedDatabase } from '../harness/seed-database.ts'

const name = 'transitions per second made durable, each fsync 5 ms slower'
const resultSchema = z.object({ perSecond: z.number(), longestMs: z.number(), fsyncMs: z.number() })
const floorSchema = z.object({ longestMs: z.number() })
const clients = 64
const minRatio = 10
const maxDelayMs = 50

/** How many transitions a second are on disk when an fsync takes 5 ms longer, and how long they hold up everybody else. */
export const durableBenchmark: Benchmark = async ({ folder, quick }) => {
  const shim = join(folder, 'slow-fsync.so')
  const skipReason = compileShim(shim)
  if (skipReason !== undefined) return { kind: 'skipped', name, reason: skipReason }
  const seededPath = join(folder, 'durable.db')
  seedDatabase(seededPath, clients)
  let round = 0
  const floors: number[] = []
  const runSide = (side: 'ours' | 'bare') => async () => {
    round += 1
    if (side === 'ours')
      floors.push((await runChild('event-loop-floor', { seconds: quick ? 1 : 4 }, floorSchema)).longestMs)
    const path = join(folder, `durable-${round}.db`)
    copyFileSync(seededPath, path)
    return runChild('transitions', { path, side, seconds: quick ? 1 : 4 }, resultSchema, { env: { LD_PRELOAD: shim } })
  }
  const { a, b } = await runInTurns(quick ? 1 : 5, runSide('ours'), runSide('bare'))
  const fsyncMs = median([...a, ...b].map((run) => run.fsyncMs))
  if (fsyncMs < 5) return { kind: 'skipped', name, reason: 'the shim that slows fsync does not reach node here' }
  const [ours, bare] = [median(a.map((run) => run.perSecond)), median(b.map((run) => run.perSecond))]
  const longestMs = median(a.map((run) => run.longestMs))
  const ratio = ours / bare
  return {
    kind: 'measured',
    name,
    baseline: 'one commit per transition, on the same store',
    ratio,
    target: `≥ ${minRatio}, event loop delay ≤ ${maxDelayMs} ms`,
    ok: ratio >= minRatio && longestMs <= maxDelayMs,
    figures: {
      'clients, each waiting for its own': clients,
      'ours, per second': roundTo(ours, 0),
      'one by one, per second': roundTo(bare, 0),
      'ours, longest event loop delay, median of the rounds, ms': roundTo(longestMs, 1),
      'ours, longest of all rounds, ms': roundTo(Math.max(...a.map((run) => run.longestMs)), 1),
      'the same of a process that only counts in turns of 3 ms, ms': roundTo(median(floors), 1),
      'an fsync, ms': roundTo(fsyncMs),
    },
  }
}

/** Makes the shim. Answers why it cannot be made, if so. */
function compileShim(outputPath: string): string | undefined {
  if (process.platform !== 'linux') return 'a library is preloaded in this way on Linux only'
  const source = join(dirname(fileURLToPath(import.meta.url)), '../slow-fsync.c')
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', outputPath, source, '-ldl'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return undefined
  } catch (error) {
    return `no C compiler made the shim that slows fsync: ${error instanceof Error ? error.message : String(error)}`
  }
}
