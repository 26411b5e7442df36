import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { consoleFolder } from '../built.ts'
import { orRequired } from '../engine/required.ts'
import type { Setting } from '../http/world.ts'
import { openWorld } from '../http/world.ts'
import { findBrowser, launch } from './chromium.ts'

const executablePath = findBrowser()

/** Whether this machine has a browser to test in. */
export const hasBrowser = orRequired(executablePath !== undefined, 'run Chromium: install the package chromium')

export function openBrowser(): Promise<Browser> {
  return launch(executablePath)
}

const root = join(import.meta.dirname, '../..')

/** Where pictures are kept. */
export const pictures = join(root, 'test/console/out')

/** How somebody comes: `user` is who has entered before, `null`: nobody. */
type Way = BrowserContextOptions & { readonly user?: string | null; readonly at?: string }

/** One browser, and one console as it is built, for all tests of a suite. */
export function useConsole() {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())
  return {
    /** A service that serves it. */
    open: (setting: Setting = {}) => openWorld({ ...setting, consoleFolder }),
    /** Opens the console that is served at a port, in a profile of its own. */
    visit: (port: number, way?: Way) => visit(browser, port, way),
  }
}

export interface Visit {
  readonly page: Page
  /** What the browser complained of: errors of scripts, and what the policy refused. */
  readonly complaints: readonly string[]
}

async function visit(
  browser: Browser,
  port: number,
  { user = 'alice', at = '', ...options }: Way = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  onTestFinished(() => context.close())
  if (user !== null) await context.addInitScript(`localStorage.setItem('vm-api-user', ${JSON.stringify(user)})`)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // Refusals of the API are logged by the browser, too; what matters is whether the page shows them.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  await page.goto(`http://127.0.0.1:${port}/console/${at}`)
  return { page, complaints }
}
