import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { seriousViolations } from './axe.ts'
import { hasBrowser, screenshotFolder, useConsole } from './console-browser.ts'

describe.skipIf(!hasBrowser)('the terminal of the console', () => {
  const { open: openConsole, visit } = useConsole()

  /** The page of a workspace that runs, in a browser. */
  async function open(media: BrowserContextOptions = {}) {
    const testServer = await openConsole({ realProcesses: true })
    const { id } = await testServer.createWorkspace({ name: 'shelly' })
    await testServer.waitFor(id, ({ status }) => status === 'running')
    const visited = await visit(await testServer.listen(), { ...media, at: `#/workspaces/${id}` })
    return { ...testServer, ...visited, id }
  }

  async function openShell(page: Page) {
    await page.getByRole('button', { name: 'Open a shell' }).click()
    await page.getByText('Connected.').waitFor()
  }

  /** Waits until a row of the terminal reads like this. */
  const row = (page: Page, text: RegExp) => page.locator('.xterm-rows > div', { hasText: text }).first().waitFor()

  test('what is typed is run, and shown', async () => {
    const { page, browserErrors } = await open()
    await openShell(page)
    await page.keyboard.type('echo $((6*7))\n')
    await row(page, /^42$/)
    await page.keyboard.type('exit 3\n')
    await page.getByText('The shell has ended with exit code 3.').waitFor()
    await openShell(page)
    expect(browserErrors).toEqual([])
  })

  test('a reload comes back to the same shell, with its screen', async () => {
    const { page, browserErrors } = await open()
    await openShell(page)
    await page.keyboard.type('mine=kept; echo on-the-"screen"\n')
    await row(page, /^on-the-screen$/)
    await page.reload()
    await page.locator('.shell-screen').click()
    await row(page, /^on-the-screen$/)
    await page.keyboard.type('echo it is $mine\n')
    await row(page, /^it is kept$/)
    expect(browserErrors).toEqual([])
  })

  test('a connection that is cut is mended, and the shell goes on', async () => {
    const { app, page } = await open()
    await openShell(page)
    await page.keyboard.type('mine=kept; echo rea""dy\n')
    await row(page, /^ready$/)
    await page.context().setOffline(true)
    for (const socket of app.websocketServer.clients) socket.terminate()
    await page.getByText('Connection lost, trying again.').waitFor()
    await page.context().setOffline(false)
    await page.getByText('Connected.').waitFor()
    await page.keyboard.type('echo it is $mine\n')
    await row(page, /^it is kept$/)
  })

  test('a window that takes the shell over says so in the other, which can take it back', async () => {
    const { page } = await open()
    await openShell(page)
    const other = await page.context().newPage()
    await other.addInitScript(
      `sessionStorage.setItem(...${JSON.stringify(await page.evaluate('Object.entries(sessionStorage)[0]'))})`,
    )
    await other.goto(page.url())
    await other.getByText('Connected.').waitFor()
    await page.getByText('Another window has taken it over.').waitFor()
    await page.getByRole('button', { name: 'Take it back' }).click()
    await page.getByText('Connected.').waitFor()
    await other.getByText('Another window has taken it over.').waitFor()
  })

  test('the keyboard gets out of the terminal, and into it again', async () => {
    const { page } = await open()
    await openShell(page)
    const focused = () => page.evaluate('document.activeElement.textContent || document.activeElement.ariaLabel')
    expect(await focused()).toBe('Terminal input')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Terminal input')
    await page.keyboard.press('Control+Shift+F6')
    expect(await focused()).toBe('Close the shell')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Terminal input')
  })

  test('a shell cannot be opened in a workspace that does not run', async () => {
    const { inject, id, page } = await open()
    await inject('POST', `/api/v1/workspaces/${id}/stop`)
    await page.getByText('A shell needs a workspace that runs.').waitFor()
    await page.getByRole('button', { name: 'Open a shell' }).click({ force: true })
    expect(await page.getByText('Opening…').count()).toBe(0)
  })

  test.each(['light', 'dark'] as const)(
    'colours are seen in %s, and it fits',
    { timeout: 120_000 },
    async (colorScheme) => {
      // What is dark differs in its colours alone.
      for (const width of colorScheme === 'dark' ? [1280] : [1280, 390]) {
        const media = { viewport: { width, height: 900 }, colorScheme }
        const { page, browserErrors } = await open(media)
        await openShell(page)
        await page.keyboard.type(
          'clear; for n in 1 2 3 4 5 6 7; do printf "\\033[3${n}mcolour $n\\033[m "; done; printf "\\033[38;2;255;120;0mtrue\\033[m\\n"; printf "\\033[1;4mbold\\033[m \\033[7mreversed\\033[m\\n"; stty size\n',
        )
        await row(page, /^\d+ \d+$/)
        const colourOf = (text: string) =>
          page.evaluate<string>(
            `getComputedStyle([...document.querySelectorAll('.xterm-rows span')].filter((one) => one.textContent.trim() === ${JSON.stringify(text)}).at(-1)).color`,
          )
        expect(new Set([await colourOf('true'), await colourOf('bold')]).size).toBe(2)
        const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
        expect(overflow).toBeLessThanOrEqual(0)
        expect(await seriousViolations(page)).toEqual([])
        await page.screenshot({ path: join(screenshotFolder, `terminal-${width}-${colorScheme}.png`), fullPage: true })
        expect(browserErrors).toEqual([])
      }
    },
  )
})
