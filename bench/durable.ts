import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runChild } from './built.ts'
import type { Measure } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'
import { seed } from './seed.ts'

const name = 'transitions per second made durable, each fsync 5 ms slower'
const found = z.object({ perSecond: z.number(), longestMs: z.number(), fsyncMs: z.number() })
const beside = z.object({ longestMs: z.number() })
const clients = 64
const leastRatio = 10
const mostDelayMs = 50

/** How many transitions a second are on disk when an fsync takes 5 ms longer, and how long they hold up everybody else. */
export const durable: Measure = async ({ folder, quick }) => {
  const shim = join(folder, 'slow-fsync.so')
  const why = compile(shim)
  if (why !== undefined) return { kind: 'skipped', name, why }
  const origin = join(folder, 'durable.db')
  seed(origin, clients)
  let round = 0
  const floors: number[] = []
  const of = (side: 'ours' | 'bare') => async () => {
    round += 1
    if (side === 'ours') floors.push((await runChild('turns', { seconds: quick ? 1 : 4 }, beside)).longestMs)
    const path = join(folder, `durable-${round}.db`)
    copyFileSync(origin, path)
    return runChild('steps', { path, side, seconds: quick ? 1 : 4 }, found, { env: { LD_PRELOAD: shim } })
  }
  const { a, b } = await pairs(quick ? 1 : 5, of('ours'), of('bare'))
  const fsyncMs = median([...a, ...b].map((run) => run.fsyncMs))
  if (fsyncMs < 5) return { kind: 'skipped', name, why: 'the shim that slows fsync does not reach node here' }
  const [ours, bare] = [median(a.map((run) => run.perSecond)), median(b.map((run) => run.perSecond))]
  const longestMs = median(a.map((run) => run.longestMs))
  const ratio = ours / bare
  return {
    kind: 'measured',
    name,
    against: 'one commit per transition, on the same store',
    ratio,
    target: `≥ ${leastRatio}, event loop delay ≤ ${mostDelayMs} ms`,
    ok: ratio >= leastRatio && longestMs <= mostDelayMs,
    figures: {
      'clients, each waiting for its own': clients,
      'ours, per second': rounded(ours, 0),
      'one by one, per second': rounded(bare, 0),
      'ours, longest event loop delay, median of the rounds, ms': rounded(longestMs, 1),
      'ours, longest of all rounds, ms': rounded(Math.max(...a.map((run) => run.longestMs)), 1),
      'the same of a process that only counts in turns of 3 ms, ms': rounded(median(floors), 1),
      'an fsync, ms': rounded(fsyncMs),
    },
  }
}

/** Makes the shim. Answers why it cannot be made, if so. */
function compile(to: string): string | undefined {
  if (process.platform !== 'linux') return 'a library is preloaded in this way on Linux only'
  const source = join(dirname(fileURLToPath(import.meta.url)), 'slow-fsync.c')
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', to, source, '-ldl'], { stdio: ['ignore', 'ignore', 'pipe'] })
    return undefined
  } catch (error) {
    return `no C compiler made the shim that slows fsync: ${error instanceof Error ? error.message : String(error)}`
  }
}
