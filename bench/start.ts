import { join } from 'node:path'
import { z } from 'zod'
import { runChild } from './built.ts'
import type { Measure } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'
import { seed } from './seed.ts'

const found = z.object({ ms: z.number(), count: z.number(), longestMs: z.number() })
const mostRatio = 1.5

/** From opening a database with 100 000 workspaces until all of them are back. */
export const start: Measure = async ({ folder, quick }) => {
  const path = join(folder, 'start.db')
  const count = quick ? 5000 : 100_000
  seed(path, count, 100)
  const of = (side: 'ours' | 'bare') => () => runChild('start', { path, side }, found)
  const { a, b } = await pairs(quick ? 1 : 5, of('ours'), of('bare'))
  const [ours, bare] = [a, b].map((runs) => median(runs.map(({ ms }) => ms)))
  const ratio = (ours ?? Number.NaN) / (bare ?? Number.NaN)
  return {
    kind: 'measured',
    name: `start with ${count} stored workspaces until ready`,
    against: 'reading the rows, starting bare actors and keeping them',
    ratio,
    target: `≤ ${mostRatio}`,
    ok: ratio <= mostRatio,
    figures: {
      'ours, ms': rounded(ours ?? Number.NaN, 0),
      'bare, ms': rounded(bare ?? Number.NaN, 0),
      'longest event loop delay meanwhile, ms': rounded(median(a.map(({ longestMs }) => longestMs)), 0),
    },
  }
}
