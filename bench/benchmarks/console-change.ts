import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { z } from 'zod'
import { findChromium, launchChromium } from '../../test/console/chromium.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, roundTo } from '../statistics.ts'
import { seedDatabase } from '../harness/seed-database.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { startService } from '../harness/server-process.ts'

const name = 'delay until the console shows a change, longest, ms'
const maxMs = 1000
const patchResponse = z.object({ updated_at: z.string() })

/** The delay between a change's timestamp and its rendering on an open page. Both clocks are this machine's. */
export const consoleChangeBenchmark: Benchmark = async ({ folder, quick }) => {
  const executablePath = findChromium()
  if (executablePath === undefined) return { kind: 'skipped', name, reason: 'Chromium is not installed' }
  const path = join(folder, 'console-change.db')
  const newest = seedDatabase(path, 10_000).at(-1)
  const service = await startService(path)
  const browser = await launchChromium(executablePath)
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    await context.addInitScript(`localStorage.setItem('vm-api-user', 'owner-0')`)
    const page = await context.newPage()
    await page.goto(`${service.url}/console/`)
    await page.getByText('10000 of 10000').waitFor()
    const delaysMs: number[] = []
    for (let n = 0; n < (quick ? 5 : 100); n += 1)
      delaysMs.push(await renameDelayMs(service, page, String(newest), `change-${n}`))
    const longest = Math.max(...delaysMs)
    return {
      kind: 'measured',
      name,
      baseline: 'absolute, with 10 000 workspaces',
      ratio: longest,
      target: `≤ ${maxMs}`,
      ok: longest <= maxMs,
      figures: { changes: delaysMs.length, 'median, ms': roundTo(median(delaysMs), 0) },
    }
  } finally {
    await browser.close()
    await service.close()
  }
}

/** Renames a workspace. Returns the milliseconds until the page shows the new name. */
async function renameDelayMs({ url }: ServerProcess, page: Page, id: string, newName: string): Promise<number> {
  const renderedAt = page.evaluate<number>(`new Promise((resolve) => {
    const check = () => {
      const isVisible = [...document.querySelectorAll('td.name a')].some((link) => link.textContent === ${JSON.stringify(newName)})
      requestAnimationFrame(isVisible ? () => resolve(Date.now()) : check)
    }
    check()
  })`)
  const response = await fetch(`${url}/api/v1/workspaces/${id}`, {
    method: 'PATCH',
    headers: { 'x-user': 'owner-0', 'content-type': 'application/json' },
    body: JSON.stringify({ name: newName }),
  })
  if (!response.ok) throw new Error(`PATCH: ${response.status} ${await response.text()}`)
  return (await renderedAt) - Date.parse(patchResponse.parse(await response.json()).updated_at)
}
