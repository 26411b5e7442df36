import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import type { World } from '../http/world.ts'
import { seriousIn } from './axe.ts'
import { hasBrowser, pictures, useConsole } from './browser.ts'

/** Some of everything that there is to see. Answers one that runs and one that failed. */
async function populate({ make, engine, until, ask, supervisor }: World): Promise<{ running: string; failed: string }> {
  const settled = (id: string) => until(id, ({ status }) => status !== 'creating')
  const made = async (body: object, user = 'alice') => (await settled((await make(body, { 'x-user': user })).id)).id
  const running = await made({
    name: 'checkout-service',
    template: 'nodejs',
    ttl_seconds: 5400,
    metadata: { ticket: 4711, team: 'payments' },
  })
  for (const [index, template] of ['python', 'go', 'rust', 'base', 'nodejs'].entries())
    await made({ name: `sandbox-${template}`, template, ttl_seconds: 3600 * (index + 1) }, index % 2 ? 'bob' : 'alice')
  const stopped = await made({ name: 'weekend-experiment' }, 'carol')
  await ask('POST', `/api/v1/workspaces/${stopped}/stop`, { headers: { 'x-user': 'carol' } })
  await until(stopped, ({ state }) => state === 'stopped.idle')
  const never = {
    again: 'never',
    message:
      'The image docker.example.com/tools/build:4.2 does not exist. Correct the template, then start the workspace again.',
  } as const
  engine.failNext('image', never)
  const failed = await made({ name: 'nightly-build', template: 'rust' }, 'bob')
  engine.failNext('setup', {
    again: 'never',
    message: 'postCreateCommand failed with exit code 1: npm ERR! code ENOTFOUND registry.example.com',
  })
  await made({ name: 'data-import', template: 'python' }, 'carol')
  const lost = { owner: 'dora', name: 'thesis-2024', template: 'python' }
  engine.place(newWorkspaceId(), { kind: 'running', connection: { container_id: 'c' } }, 'here', lost)
  engine.place(newWorkspaceId(), { kind: 'made' })
  engine.leave()
  engine.comeBack() // and with the reconnect comes an inventory
  await expect.poll(() => supervisor.strays().length).toBe(2) // it is not told when that is done
  engine.before('container', () => new Promise(() => {}))
  for (let index = 0; index < 11; index++) {
    const { id } = await make({ name: `review-${index + 1}`, ttl_seconds: 7200 })
    if (index < 8) await until(id, ({ state }) => state === 'creating.container')
  }
  return { running, failed }
}

describe.skipIf(!hasBrowser)('the console, as it looks', () => {
  const { open, visit } = useConsole()

  test.each(['light', 'dark'] as const)(
    'nothing of it is hard to use for anybody in %s (axe), nor cut off sideways',
    async (colorScheme) => {
      const world = await open()
      const { running, failed } = await populate(world)
      const port = await world.listen()
      // What is dark differs in its colours alone.
      for (const width of colorScheme === 'dark' ? [1280] : [1280, 390]) {
        const look = { viewport: { width, height: width === 390 ? 844 : 900 }, colorScheme }
        const { page, complaints } = await visit(port, { ...look, user: 'root' })
        const shoot = async (name: string) => {
          expect(await seriousIn(page), name).toEqual([])
          const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
          expect(overflow, `${name} at ${width} is too wide`).toBeLessThanOrEqual(0)
          await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true })
        }
        const settled = () => page.locator('g[id="state-running.up"]').waitFor()
        await page.getByRole('row', { name: /nightly-build/ }).waitFor()
        await settled()
        await page.getByRole('region', { name: 'Containers without a workspace' }).getByText('of dora').waitFor()
        await page.getByRole('region', { name: 'Queue and sweeps' }).getByText('of 8 slots').waitFor()
        await shoot('fleet')
        await page.getByRole('button', { name: 'Adopt thesis-2024' }).click()
        await page.getByRole('dialog').waitFor()
        await shoot('adopt')
        await page.keyboard.press('Escape')
        await page.getByRole('link', { name: 'checkout-service' }).first().click()
        await page.locator('g[id="state-running.up"].lit').waitFor()
        await page.getByRole('button', { name: /creating\.setup/ }).waitFor()
        await page.getByRole('table', { name: 'Its recipe' }).waitFor()
        await shoot('workspace')
        await page.getByRole('button', { name: 'Delete' }).click()
        await page.getByRole('dialog').waitFor()
        await shoot('delete')
        await page.goto(`http://127.0.0.1:${port}/console/#/workspaces/${failed}`)
        await page.reload()
        await page.locator('g[id="state-failed"].lit').waitFor()
        await page.getByRole('button', { name: /creating\.image/ }).click()
        await shoot('failed')
        expect(complaints).toEqual([])
        expect(running).not.toBe(failed)
        const empty = await visit(port, { ...look, user: 'nobody' })
        await empty.page.getByText('There is no workspace yet').waitFor()
        expect(await seriousIn(empty.page)).toEqual([])
        await empty.page.screenshot({ path: join(pictures, `empty-${width}-${colorScheme}.png`), fullPage: true })
        const gate = await visit(port, { ...look, user: null })
        await gate.page.getByLabel('Who are you?').waitFor()
        expect(await seriousIn(gate.page)).toEqual([])
        await gate.page.screenshot({ path: join(pictures, `gate-${width}-${colorScheme}.png`) })
      }
    },
    120_000,
  )
})
