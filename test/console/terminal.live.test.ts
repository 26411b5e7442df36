import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { seriousViolations } from './axe.ts'
import { hasBrowser, screenshotFolder, useConsole } from './console-browser.ts'

describe.skipIf(!hasBrowser)('the terminal of the console', () => {
  const { open: openConsole, visit } = useConsole()

  /** Opens the page of a running workspace. */
  async function open(media: BrowserContextOptions = {}) {
    const testServer = await openConsole({ realProcesses: true })
    const { id } = await testServer.createWorkspace({ name: 'shell' })
    await testServer.waitFor(id, ({ status }) => status === 'running')
    const visited = await visit(await testServer.listen(), { ...media, at: `#/workspaces/${id}` })
    return { ...testServer, ...visited, id }
  }

  async function openShell(page: Page) {
    await page.getByRole('button', { name: 'Open shell' }).click()
    await page.getByText('Connected.').waitFor()
  }

  /** Waits until a row of the terminal matches. */
  const row = (page: Page, text: RegExp) => page.locator('.xterm-rows > div', { hasText: text }).first().waitFor()

  test('typed commands run, and their output is shown', async () => {
    const { page, browserErrors } = await open()
    await openShell(page)
    await page.keyboard.type('echo $((6*7))\n')
    await row(page, /^42$/)
    await page.keyboard.type('exit 3\n')
    await page.getByText('The shell exited with code 3.').waitFor()
    await openShell(page)
    expect(browserErrors).toEqual([])
  })

  test('a reload attaches to the same shell and restores its screen', async () => {
    const { page, browserErrors } = await open()
    await openShell(page)
    await page.keyboard.type('value=retained; echo on-the-"screen"\n')
    await row(page, /^on-the-screen$/)
    await page.reload()
    await page.locator('.shell-screen').click()
    await row(page, /^on-the-screen$/)
    await page.keyboard.type('echo it is $value\n')
    await row(page, /^it is retained$/)
    expect(browserErrors).toEqual([])
  })

  test('the shell survives a lost connection', async () => {
    const { app, page } = await open()
    await openShell(page)
    await page.keyboard.type('value=retained; echo rea""dy\n')
    await row(page, /^ready$/)
    await page.context().setOffline(true)
    for (const socket of app.websocketServer.clients) socket.terminate()
    await page.getByText('Connection lost. Reconnecting…').waitFor()
    await page.context().setOffline(false)
    await page.getByText('Connected.').waitFor()
    await page.keyboard.type('echo it is $value\n')
    await row(page, /^it is retained$/)
  })

  test('a second window takes over the shell, and the first can take it back', async () => {
    const { page } = await open()
    await openShell(page)
    const other = await page.context().newPage()
    await other.addInitScript(
      `sessionStorage.setItem(...${JSON.stringify(await page.evaluate('Object.entries(sessionStorage)[0]'))})`,
    )
    await other.goto(page.url())
    await other.getByText('Connected.').waitFor()
    await page.getByText('Another window has taken over this shell.').waitFor()
    await page.getByRole('button', { name: 'Take over' }).click()
    await page.getByText('Connected.').waitFor()
    await other.getByText('Another window has taken over this shell.').waitFor()
  })

  test('the keyboard focus can leave the terminal and return', async () => {
    const { page } = await open()
    await openShell(page)
    const focused = () => page.evaluate('document.activeElement.textContent || document.activeElement.ariaLabel')
    expect(await focused()).toBe('Terminal input')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Terminal input')
    await page.keyboard.press('Control+Shift+F6')
    expect(await focused()).toBe('Close shell')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Terminal input')
  })

  test('a shell cannot be opened in a stopped workspace', async () => {
    const { inject, id, page } = await open()
    await inject('POST', `/api/v1/workspaces/${id}/stop`)
    await page.getByText('A shell requires a running workspace.').waitFor()
    await page.getByRole('button', { name: 'Open shell' }).click({ force: true })
    expect(await page.getByText('Opening…').count()).toBe(0)
  })

  test.each(['light', 'dark'] as const)(
    'the terminal shows colours in the %s theme and fits the page',
    { timeout: 120_000 },
    async (colorScheme) => {
      // The dark theme differs in its colours only, so one width is enough.
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
            `getComputedStyle([...document.querySelectorAll('.xterm-rows span')].filter((span) => span.textContent.trim() === ${JSON.stringify(text)}).at(-1)).color`,
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
