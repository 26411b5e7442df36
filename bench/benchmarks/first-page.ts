import { join } from 'node:path'
import { runLoad } from '../harness/http-load.ts'
import type { Benchmark, BenchmarkOptions } from '../benchmark.ts'
import { median, runInTurns, roundTo } from '../statistics.ts'
import { seedDatabase } from '../harness/seed-database.ts'
import { startService } from '../harness/server-process.ts'

const maxRatio = 1.3
const pagePath = '/api/v1/workspaces?limit=50'

/** The effect of a hundred times as many rows on the first page of a list, for a single owner and for several. */
export const firstPageBenchmark: Benchmark = async (options) => {
  const rowCount = options.quick ? 10_000 : 100_000
  const singleOwner = await compareRates(options, rowCount, 1, 1)
  const spreadOwners = await compareRates(options, rowCount, 100, 10)
  const ratio = Math.max(singleOwner.ratio, spreadOwners.ratio)
  return {
    kind: 'measured',
    name: `GET first page of 50, ${rowCount} rows`,
    baseline: '1 000 rows',
    ratio,
    target: `≤ ${maxRatio}`,
    ok: ratio <= maxRatio,
    figures: {
      'single owner, ratio': roundTo(singleOwner.ratio),
      'single owner, per second with many rows': roundTo(singleOwner.largeRate, 0),
      'single owner, per second with few rows': roundTo(singleOwner.smallRate, 0),
      'several owners, ratio': roundTo(spreadOwners.ratio),
      'several owners, per second with many rows': roundTo(spreadOwners.largeRate, 0),
      'several owners, per second with few rows': roundTo(spreadOwners.smallRate, 0),
    },
  }
}

async function compareRates(
  { folder, quick }: BenchmarkOptions,
  rowCount: number,
  largeOwners: number,
  smallOwners: number,
) {
  const paths = {
    large: join(folder, `page-${largeOwners}-many.db`),
    small: join(folder, `page-${largeOwners}-few.db`),
  }
  seedDatabase(paths.large, rowCount, largeOwners)
  seedDatabase(paths.small, 1000, smallOwners)
  const servers = { large: await startService(paths.large), small: await startService(paths.small) }
  try {
    const seconds = quick ? 1 : 3
    for (const server of Object.values(servers)) await runLoad(server, pagePath, 4, seconds) // warm-up
    const { a, b } = await runInTurns(
      quick ? 1 : 6,
      () => runLoad(servers.large, pagePath, 4, seconds),
      () => runLoad(servers.small, pagePath, 4, seconds),
    )
    const [largeRate, smallRate] = [
      median(a.map((sample) => sample.perSecond)),
      median(b.map((sample) => sample.perSecond)),
    ]
    // The ratio of durations is the inverse ratio of rates.
    return { largeRate, smallRate, ratio: smallRate / largeRate }
  } finally {
    await Promise.all([servers.large.close(), servers.small.close()])
  }
}
