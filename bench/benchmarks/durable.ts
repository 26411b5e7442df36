import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runChild } from '../harness/build.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, roundTo } from '../statistics.ts'
import { seedDatabase } from '../harness/seed-database.ts'

const name = 'durable transitions per second, fsync slowed by 5 ms'
const resultSchema = z.object({ perSecond: z.number(), longestMs: z.number(), fsyncMs: z.number() })
const floorSchema = z.object({ longestMs: z.number() })
const clients = 64
const minRatio = 10
const maxDelayMs = 50

/** Durable transitions per second when each fsync takes 5 ms longer, and the event loop delay that they cause. */
export const durableBenchmark: Benchmark = async ({ folder, quick }) => {
  const shim = join(folder, 'slow-fsync.so')
  const skipReason = compileShim(shim)
  if (skipReason !== undefined) return { kind: 'skipped', name, reason: skipReason }
  const seededPath = join(folder, 'durable.db')
  seedDatabase(seededPath, clients)
  let round = 0
  const floors: number[] = []
  const runSide = (side: 'service' | 'bare') => async () => {
    round += 1
    if (side === 'service')
      floors.push((await runChild('event-loop-floor', { seconds: quick ? 1 : 4 }, floorSchema)).longestMs)
    const path = join(folder, `durable-${round}.db`)
    copyFileSync(seededPath, path)
    return runChild('transitions', { path, side, seconds: quick ? 1 : 4 }, resultSchema, { env: { LD_PRELOAD: shim } })
  }
  const { a, b } = await runInTurns(quick ? 1 : 5, runSide('service'), runSide('bare'))
  const fsyncMs = median([...a, ...b].map((run) => run.fsyncMs))
  if (fsyncMs < 5) return { kind: 'skipped', name, reason: 'the preloaded library does not slow fsync on this machine' }
  const [ours, bare] = [median(a.map((run) => run.perSecond)), median(b.map((run) => run.perSecond))]
  const longestMs = median(a.map((run) => run.longestMs))
  const ratio = ours / bare
  return {
    kind: 'measured',
    name,
    baseline: 'one commit per transition',
    ratio,
    target: `≥ ${minRatio}, event loop delay ≤ ${maxDelayMs} ms`,
    ok: ratio >= minRatio && longestMs <= maxDelayMs,
    figures: {
      'concurrent clients': clients,
      'service, per second': roundTo(ours, 0),
      'one commit per transition, per second': roundTo(bare, 0),
      'service, longest event loop delay, median of rounds, ms': roundTo(longestMs, 1),
      'service, longest event loop delay of all rounds, ms': roundTo(Math.max(...a.map((run) => run.longestMs)), 1),
      'busy loop in turns of 3 ms, longest event loop delay, ms': roundTo(median(floors), 1),
      'fsync, ms': roundTo(fsyncMs),
    },
  }
}

/** Compiles the library that slows fsync. Returns the reason if it cannot be compiled. */
function compileShim(outputPath: string): string | undefined {
  if (process.platform !== 'linux') return 'preloading the library requires Linux'
  const source = join(dirname(fileURLToPath(import.meta.url)), '../slow-fsync.c')
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', outputPath, source, '-ldl'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return undefined
  } catch (error) {
    return `the library that slows fsync cannot be compiled: ${error instanceof Error ? error.message : String(error)}`
  }
}
