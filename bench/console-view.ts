import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { findBrowser, launch } from '../test/console/chromium.ts'
import type { Measure } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'
import { seed } from './seed.ts'
import type { Server } from './server.ts'
import { startOn } from './service.ts'

const name = 'first view of the console with 10 000 workspaces'
const mostRatio = 2

/** How long the console takes to show its first row. */
export const consoleView: Measure = async ({ folder, quick }) => {
  const executablePath = findBrowser()
  if (executablePath === undefined) return { kind: 'skipped', name, why: 'there is no Chromium' }
  const [few, many] = [join(folder, 'console-few.db'), join(folder, 'console-many.db')]
  seed(few, 10)
  seed(many, 10_000)
  const [small, large] = [await startOn(few), await startOn(many)]
  const browser = await launch(executablePath)
  try {
    for (const server of [small, large]) await view(browser, server) // compiled by then
    const { a, b } = await pairs(
      quick ? 1 : 9,
      () => view(browser, large),
      () => view(browser, small),
    )
    const [manyMs, fewMs] = [median(a), median(b)]
    const ratio = manyMs / fewMs
    return {
      kind: 'measured',
      name,
      against: 'the same page with 10',
      ratio,
      target: `≤ ${mostRatio}`,
      ok: ratio <= mostRatio,
      figures: { 'with 10 000, ms': rounded(manyMs, 0), 'with 10, ms': rounded(fewMs, 0) },
    }
  } finally {
    await browser.close()
    await Promise.all([small.close(), large.close()])
  }
}

async function view(browser: Browser, { url }: Server): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  try {
    await context.addInitScript(`localStorage.setItem('vm-api-user', 'owner-0')`)
    const page = await context.newPage()
    const begun = performance.now()
    await page.goto(`${url}/console/`)
    await page.locator('tr[aria-rowindex="2"]').waitFor()
    return performance.now() - begun
  } finally {
    await context.close()
  }
}
