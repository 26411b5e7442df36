import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { consoleFolder } from '../vitest/global-setup.ts'
import { requirePrerequisite } from '../engine/require-engine.ts'
import type { TestServerOptions } from '../http/test-server.ts'
import { openTestServer } from '../http/test-server.ts'
import { findChromium, launchChromium } from './chromium.ts'

const executablePath = findChromium()

/** Whether this machine has a browser to test in. */
export const hasBrowser = requirePrerequisite(
  executablePath !== undefined,
  'run Chromium: install the package chromium',
)

export function openBrowser(): Promise<Browser> {
  return launchChromium(executablePath)
}

const root = join(import.meta.dirname, '../..')

/** Where pictures are kept. */
export const screenshotFolder = join(root, 'test/console/out')

/** How somebody comes: `user` is who has entered before, `null`: nobody. */
type VisitOptions = BrowserContextOptions & { readonly user?: string | null; readonly at?: string }

/** One browser, and one console as it is built, for all tests of a suite. */
export function useConsole() {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())
  return {
    /** A service that serves it. */
    open: (options: TestServerOptions = {}) => openTestServer({ ...options, consoleFolder }),
    /** Opens the console that is served at a port, in a profile of its own. */
    visit: (port: number, options?: VisitOptions) => visitConsole(browser, port, options),
  }
}

export interface ConsoleVisit {
  readonly page: Page
  /** What the browser complained of: errors of scripts, and what the policy refused. */
  readonly browserErrors: readonly string[]
}

async function visitConsole(
  browser: Browser,
  port: number,
  { user = 'alice', at = '', ...options }: VisitOptions = {},
): Promise<ConsoleVisit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  onTestFinished(() => context.close())
  if (user !== null) await context.addInitScript(`localStorage.setItem('vm-api-user', ${JSON.stringify(user)})`)
  const page = await context.newPage()
  const browserErrors: string[] = []
  page.on('pageerror', (error) => browserErrors.push(String(error)))
  page.on('console', (message) => {
    // Refusals of the API are logged by the browser, too; what matters is whether the page shows them.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      browserErrors.push(message.text())
  })
  await page.goto(`http://127.0.0.1:${port}/console/${at}`)
  return { page, browserErrors }
}
