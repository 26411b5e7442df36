import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { consoleFolder } from '../vitest/global-setup.ts'
import { requirePrerequisite } from '../engine/require-engine.ts'
import type { TestServerOptions } from '../http/test-server.ts'
import { openTestServer } from '../http/test-server.ts'
import { findChromium, launchChromium } from './chromium.ts'

const executablePath = findChromium()

/** Whether Chromium is installed. */
export const hasBrowser = requirePrerequisite(
  executablePath !== undefined,
  'run Chromium: install the package chromium',
)

export function openBrowser(): Promise<Browser> {
  return launchChromium(executablePath)
}

const root = join(import.meta.dirname, '../..')

/** The folder of the screenshots. */
export const screenshotFolder = join(root, 'test/console/out')

/** `user` is the stored user name, `null` for none; `at` is the URL's hash. */
type VisitOptions = BrowserContextOptions & { readonly user?: string | null; readonly at?: string }

/** One browser and one built console for all tests of a suite. */
export function useConsole() {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())
  return {
    /** Starts a service that serves the console. */
    open: (options: TestServerOptions = {}) => openTestServer({ ...options, consoleFolder }),
    /** Opens the console at a port in a new browser profile. */
    visit: (port: number, options?: VisitOptions) => visitConsole(browser, port, options),
  }
}

export interface ConsoleVisit {
  readonly page: Page
  /** Script errors and violations of the content security policy. */
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
    // The browser also logs error responses of the API, which the page itself must show.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      browserErrors.push(message.text())
  })
  await page.goto(`http://127.0.0.1:${port}/console/${at}`)
  return { page, browserErrors }
}
