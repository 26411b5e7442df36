import { describe, expect, test } from 'vitest'
import type { TestServer } from '../http/test-server.ts'
import { ownerOf } from '../http/test-server.ts'
import { hasBrowser, useConsole } from './console-browser.ts'

const alice = { owner: ownerOf('alice'), operator: false }

/** Creates `size` queued workspaces, named `many-<number>`; every hundredth uses the template `rust`. */
async function createMany({ engine, supervisor }: TestServer, size: number): Promise<void> {
  engine.before('image', () => new Promise(() => {}))
  for (let start = 0; start < size; start += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, size - start) }, (_, index) =>
        supervisor.create(
          {
            name: `many-${start + index}`,
            template: (start + index) % 100 === 0 ? 'rust' : null,
            ttlSeconds: null,
            metadata: null,
          },
          alice,
        ),
      ),
    )
}

describe.skipIf(!hasBrowser)('the console with ten thousand workspaces', () => {
  const { open, visit } = useConsole()

  test('ten thousand workspaces can be scrolled and filtered, and only visible rows are rendered', async () => {
    const testServer = await open()
    await createMany(testServer, 10_000)
    const { page, browserErrors } = await visit(await testServer.listen())
    await page.getByText('10000 of 10000').waitFor()
    const table = page.getByRole('region', { name: 'Table of workspaces, scrollable' })
    expect(await table.locator('tbody tr').count()).toBeLessThan(60)

    await page.evaluate("document.querySelector('.table-viewport').scrollTop = 1e9")
    await page.locator('tr[aria-rowindex="10001"] a').focus()
    await page.keyboard.press('PageUp')
    const rowIndex = await page.evaluate("document.activeElement.closest('tr')?.getAttribute('aria-rowindex')")
    expect(rowIndex).toBe('9991')

    await page.getByLabel('Text').fill('many-4711')
    await page.getByText('1 of 10000').waitFor()
    await page.getByRole('row', { name: /many-4711 / }).waitFor()
    await page.getByLabel('Text').fill('')
    await page.getByLabel('Template').selectOption('rust')
    await page.getByText('100 of 10000').waitFor()
    await page.getByRole('button', { name: '0 running' }).click()
    await page.getByText('None of 10000 workspaces matches the filter.').waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByText('10000 of 10000').waitFor()

    // New workspaces still appear.
    await testServer.createWorkspace({ name: 'newest' })
    await page.getByRole('row', { name: /newest/ }).waitFor()
    expect(browserErrors).toEqual([])
  }, 120_000)
})
