import { join } from 'node:path'
import { z } from 'zod'
import { runChild } from './built.ts'
import type { Measure } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'
import { seed } from './seed.ts'

const found = z.object({ bytes: z.number(), count: z.number() })
const mostRatio = 2

/** Heap that an idle workspace takes, of 20 000 running ones. */
export const heap: Measure = async ({ folder, quick }) => {
  const path = join(folder, 'heap.db')
  const count = quick ? 2000 : 20_000
  seed(path, count)
  const of = (side: 'ours' | 'bare') => async () => {
    const { bytes, count: alive } = await runChild('heap', { path, side }, found, { flags: ['--expose-gc'] })
    if (alive !== count) throw new Error(`${alive} workspaces of ${count} live`)
    return bytes
  }
  const { a, b } = await pairs(quick ? 1 : 3, of('ours'), of('bare'))
  const ratio = median(a) / median(b)
  return {
    kind: 'measured',
    name: 'heap per idle workspace',
    against: 'a bare started actor with the same context',
    ratio,
    target: `≤ ${mostRatio}`,
    ok: ratio <= mostRatio,
    figures: { workspaces: count, 'ours, bytes': rounded(median(a), 0), 'bare, bytes': rounded(median(b), 0) },
  }
}
