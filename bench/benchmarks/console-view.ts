import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { findChromium, launchChromium } from '../../test/console/chromium.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, roundTo } from '../statistics.ts'
import { seedDatabase } from '../harness/seed-database.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { startService } from '../harness/server-process.ts'

const name = 'first view of the console, 10 000 workspaces'
const maxRatio = 2

/** The time until the console shows its first row. */
export const consoleViewBenchmark: Benchmark = async ({ folder, quick }) => {
  const executablePath = findChromium()
  if (executablePath === undefined) return { kind: 'skipped', name, reason: 'Chromium is not installed' }
  const [smallPath, largePath] = [join(folder, 'console-few.db'), join(folder, 'console-many.db')]
  seedDatabase(smallPath, 10)
  seedDatabase(largePath, 10_000)
  const [small, large] = [await startService(smallPath), await startService(largePath)]
  const browser = await launchChromium(executablePath)
  try {
    for (const server of [small, large]) await firstViewMs(browser, server) // warm-up
    const { a, b } = await runInTurns(
      quick ? 1 : 9,
      () => firstViewMs(browser, large),
      () => firstViewMs(browser, small),
    )
    const [largeMs, smallMs] = [median(a), median(b)]
    const ratio = largeMs / smallMs
    return {
      kind: 'measured',
      name,
      baseline: '10 workspaces',
      ratio,
      target: `≤ ${maxRatio}`,
      ok: ratio <= maxRatio,
      figures: { 'with 10 000, ms': roundTo(largeMs, 0), 'with 10, ms': roundTo(smallMs, 0) },
    }
  } finally {
    await browser.close()
    await Promise.all([small.close(), large.close()])
  }
}

async function firstViewMs(browser: Browser, { url }: ServerProcess): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  try {
    await context.addInitScript(`localStorage.setItem('vm-api-user', 'owner-0')`)
    const page = await context.newPage()
    const startedAt = performance.now()
    await page.goto(`${url}/console/`)
    await page.locator('tr[aria-rowindex="2"]').waitFor()
    return performance.now() - startedAt
  } finally {
    await context.close()
  }
}
