import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { z } from 'zod'
import { findBrowser, launch } from '../test/console/chromium.ts'
import type { Measure } from './measure.ts'
import { median, rounded } from './measure.ts'
import { seed } from './seed.ts'
import type { Server } from './server.ts'
import { startOn } from './service.ts'

const name = 'a change’s way from its commit to the console’s screen, the longest, ms'
const mostMs = 1000
const amended = z.object({ updated_at: z.string() })

/** How long after a change was decided it is drawn on an open page. Both times are this machine's. */
export const consoleChange: Measure = async ({ folder, quick }) => {
  const executablePath = findBrowser()
  if (executablePath === undefined) return { kind: 'skipped', name, why: 'there is no Chromium' }
  const path = join(folder, 'console-change.db')
  const newest = seed(path, 10_000).at(-1)
  const service = await startOn(path)
  const browser = await launch(executablePath)
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    await context.addInitScript(`localStorage.setItem('vm-api-user', 'owner-0')`)
    const page = await context.newPage()
    await page.goto(`${service.url}/console/`)
    await page.getByText('10000 of 10000').waitFor()
    const late: number[] = []
    for (let n = 0; n < (quick ? 5 : 100); n += 1)
      late.push(await changed(service, page, String(newest), `change-${n}`))
    const longest = Math.max(...late)
    return {
      kind: 'measured',
      name,
      against: '1 ms, with 10 000 workspaces on the page',
      ratio: longest,
      target: `≤ ${mostMs}`,
      ok: longest <= mostMs,
      figures: { changes: late.length, 'median, ms': rounded(median(late), 0) },
    }
  } finally {
    await browser.close()
    await service.close()
  }
}

/** Renames a workspace. Answers how long after that was decided its new name is drawn. */
async function changed({ url }: Server, page: Page, id: string, to: string): Promise<number> {
  const drawn = page.evaluate<number>(`new Promise((resolve) => {
    const look = () => {
      const there = [...document.querySelectorAll('td.name a')].some((link) => link.textContent === ${JSON.stringify(to)})
      requestAnimationFrame(there ? () => resolve(Date.now()) : look)
    }
    look()
  })`)
  const answer = await fetch(`${url}/api/v1/workspaces/${id}`, {
    method: 'PATCH',
    headers: { 'x-user': 'owner-0', 'content-type': 'application/json' },
    body: JSON.stringify({ name: to }),
  })
  if (!answer.ok) throw new Error(`PATCH: ${answer.status} ${await answer.text()}`)
  return (await drawn) - Date.parse(amended.parse(await answer.json()).updated_at)
}
