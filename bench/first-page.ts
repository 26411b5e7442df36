import { join } from 'node:path'
import { load } from './load.ts'
import type { Measure, Run } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'
import { seed } from './seed.ts'
import { startOn } from './service.ts'

const mostRatio = 1.3
const page = '/api/v1/workspaces?limit=50'

/** What a hundred times as many rows do to a list's first page: when one owner has them all, and when they are spread over owners. */
export const firstPage: Measure = async (run) => {
  const many = run.quick ? 10_000 : 100_000
  const alone = await compared(run, many, 1, 1)
  const spread = await compared(run, many, 100, 10)
  const ratio = Math.max(alone.ratio, spread.ratio)
  return {
    kind: 'measured',
    name: `GET first page of 50 with ${many} rows`,
    against: 'the same with 1 000 rows',
    ratio,
    target: `≤ ${mostRatio}`,
    ok: ratio <= mostRatio,
    figures: {
      'one owner, ratio': rounded(alone.ratio),
      'one owner, per second with many rows': rounded(alone.many, 0),
      'one owner, per second with few rows': rounded(alone.few, 0),
      'spread over owners, ratio': rounded(spread.ratio),
      'spread over owners, per second with many rows': rounded(spread.many, 0),
      'spread over owners, per second with few rows': rounded(spread.few, 0),
    },
  }
}

async function compared({ folder, quick }: Run, many: number, manyOwners: number, fewOwners: number) {
  const paths = { many: join(folder, `page-${manyOwners}-many.db`), few: join(folder, `page-${manyOwners}-few.db`) }
  seed(paths.many, many, manyOwners)
  seed(paths.few, 1000, fewOwners)
  const servers = { many: await startOn(paths.many), few: await startOn(paths.few) }
  try {
    const seconds = quick ? 1 : 3
    for (const server of Object.values(servers)) await load(server, page, 4, seconds) // compiled by then
    const { a, b } = await pairs(
      quick ? 1 : 6,
      () => load(servers.many, page, 4, seconds),
      () => load(servers.few, page, 4, seconds),
    )
    const [rateOfMany, rateOfFew] = [median(a.map((s) => s.perSecond)), median(b.map((s) => s.perSecond))]
    // What one page takes, many rows against few: the rates the other way round.
    return { many: rateOfMany, few: rateOfFew, ratio: rateOfFew / rateOfMany }
  } finally {
    await Promise.all([servers.many.close(), servers.few.close()])
  }
}
