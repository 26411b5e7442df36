import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import type { TestServer } from '../http/test-server.ts'
import { seriousViolations } from './axe.ts'
import { hasBrowser, screenshotFolder, useConsole } from './console-browser.ts'

/** Creates workspaces in every status, and orphans. Returns the ids of a running and of a failed workspace. */
async function createSampleData({
  createWorkspace,
  engine,
  waitFor,
  inject,
  supervisor,
}: TestServer): Promise<{ running: string; failed: string }> {
  const waitUntilSettled = (id: string) => waitFor(id, ({ status }) => status !== 'creating')
  const createSettled = async (body: object, user = 'alice') =>
    (await waitUntilSettled((await createWorkspace(body, { 'x-user': user })).id)).id
  const running = await createSettled({
    name: 'checkout-service',
    template: 'nodejs',
    ttl_seconds: 5400,
    metadata: { ticket: 4711, team: 'payments' },
  })
  for (const [index, template] of ['python', 'go', 'rust', 'base', 'nodejs'].entries())
    await createSettled(
      { name: `sandbox-${template}`, template, ttl_seconds: 3600 * (index + 1) },
      index % 2 ? 'bob' : 'alice',
    )
  const stopped = await createSettled({ name: 'weekend-experiment' }, 'carol')
  await inject('POST', `/api/v1/workspaces/${stopped}/stop`, { headers: { 'x-user': 'carol' } })
  await waitFor(stopped, ({ state }) => state === 'stopped.idle')
  const permanentFault = {
    kind: 'permanent',
    message:
      'The image docker.example.com/tools/build:4.2 does not exist. Correct the template, then start the workspace again.',
  } as const
  engine.failNext('image', permanentFault)
  const failed = await createSettled({ name: 'nightly-build', template: 'rust' }, 'bob')
  engine.failNext('setup', {
    kind: 'permanent',
    message: 'postCreateCommand failed with exit code 1: npm ERR! code ENOTFOUND registry.example.com',
  })
  await createSettled({ name: 'data-import', template: 'python' }, 'carol')
  const orphanLabels = { owner: 'dora', name: 'thesis-2024', template: 'python' }
  engine.placeContainer(newWorkspaceId(), { kind: 'running', connection: { container_id: 'c' } }, 'here', orphanLabels)
  engine.placeContainer(newWorkspaceId(), { kind: 'created' })
  engine.disconnect()
  engine.reconnect() // a reconnect triggers a reconcile
  await expect.poll(() => supervisor.orphans().length).toBe(2) // no event reports the end of a reconcile
  engine.before('container', () => new Promise(() => {}))
  for (let index = 0; index < 11; index++) {
    const { id } = await createWorkspace({ name: `review-${index + 1}`, ttl_seconds: 7200 })
    if (index < 8) await waitFor(id, ({ state }) => state === 'creating.container')
  }
  return { running, failed }
}

describe.skipIf(!hasBrowser)('accessibility and layout of the console', () => {
  const { open, visit } = useConsole()

  test.each(['light', 'dark'] as const)(
    'axe finds no serious violations in the %s theme, and no page overflows horizontally',
    async (colorScheme) => {
      const testServer = await open()
      const { running, failed } = await createSampleData(testServer)
      const port = await testServer.listen()
      // The dark theme differs in its colours only, so one width is enough.
      for (const width of colorScheme === 'dark' ? [1280] : [1280, 390]) {
        const media = { viewport: { width, height: width === 390 ? 844 : 900 }, colorScheme }
        const { page, browserErrors } = await visit(port, { ...media, user: 'root' })
        const screenshot = async (name: string) => {
          expect(await seriousViolations(page), name).toEqual([])
          const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
          expect(overflow, `${name} overflows at ${width} pixels`).toBeLessThanOrEqual(0)
          await page.screenshot({ path: join(screenshotFolder, `${name}-${width}-${colorScheme}.png`), fullPage: true })
        }
        const waitUntilSettled = () => page.locator('g[id="state-running.up"]').waitFor()
        await page.getByRole('row', { name: /nightly-build/ }).waitFor()
        await waitUntilSettled()
        await page.getByRole('region', { name: 'Orphaned containers' }).getByText('owned by dora').waitFor()
        await page.getByRole('region', { name: 'Queue and sweeps' }).getByText('of 8 slots').waitFor()
        await screenshot('fleet')
        await page.getByRole('button', { name: 'Adopt thesis-2024' }).click()
        await page.getByRole('dialog').waitFor()
        await screenshot('adopt')
        await page.keyboard.press('Escape')
        await page.getByRole('link', { name: 'checkout-service' }).first().click()
        await page.locator('g[id="state-running.up"].active').waitFor()
        await page.getByRole('button', { name: /creating\.setup/ }).waitFor()
        await page.getByRole('table', { name: 'Spec' }).waitFor()
        await screenshot('workspace')
        await page.getByRole('button', { name: 'Delete' }).click()
        await page.getByRole('dialog').waitFor()
        await screenshot('delete')
        await page.goto(`http://127.0.0.1:${port}/console/#/workspaces/${failed}`)
        await page.reload()
        await page.locator('g[id="state-failed"].active').waitFor()
        await page.getByRole('button', { name: /creating\.image/ }).click()
        await screenshot('failed')
        expect(browserErrors).toEqual([])
        expect(running).not.toBe(failed)
        const empty = await visit(port, { ...media, user: 'nobody' })
        await empty.page.getByText('There are no workspaces yet').waitFor()
        expect(await seriousViolations(empty.page)).toEqual([])
        await empty.page.screenshot({
          path: join(screenshotFolder, `empty-${width}-${colorScheme}.png`),
          fullPage: true,
        })
        const signIn = await visit(port, { ...media, user: null })
        await signIn.page.getByLabel('User name').waitFor()
        expect(await seriousViolations(signIn.page)).toEqual([])
        await signIn.page.screenshot({ path: join(screenshotFolder, `sign-in-${width}-${colorScheme}.png`) })
      }
    },
    120_000,
  )
})
