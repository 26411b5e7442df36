import { describe, expect, test } from 'vitest'
import type { Found } from '../../src/workspace/container.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import type { World } from '../http/world.ts'
import { hasBrowser, useConsole } from './browser.ts'

const root = { user: 'root' }

/** Puts a container there that nobody ever heard of. */
async function strand({ engine, supervisor }: World, labelled: Found['labelled'] = {}) {
  const workspace = newWorkspaceId()
  const container = engine.place(workspace, { kind: 'running', connection: { container_id: 'c' } }, 'here', labelled)
  engine.leave()
  engine.comeBack() // and with the reconnect comes an inventory
  await expect.poll(() => supervisor.strays().length).toBe(1) // it is not told when that is done
  return { workspace, container }
}

describe.skipIf(!hasBrowser)('what operators are shown', () => {
  const { open, visit } = useConsole()

  test('an operator sees the queue and what came of each sweep, nobody else does', async () => {
    const { engine, listen, make } = await open({ intervalMs: 200 })
    engine.before('image', () => new Promise(() => {}))
    for (let index = 0; index < 10; index++) await make({ name: `w-${index}` })
    const port = await listen()
    const { page, complaints } = await visit(port, root)
    const part = page.getByRole('region', { name: 'Queue and sweeps' })
    await part.getByText('2 in the queue').waitFor()
    await part.getByText('8 of 8 slots in use').waitFor()
    const compared = part.getByRole('listitem').filter({ hasText: 'reconcile docker' })
    await compared.getByText(/Last at .*: 0 containers, 0 changed, 0 removed, 0 strays/).waitFor()
    await part
      .getByRole('listitem')
      .filter({ hasText: 'janitor' })
      .getByText(/next in|next now/)
      .waitFor()
    expect(complaints).toEqual([])
    const { page: other } = await visit(port)
    await other.getByRole('row', { name: /w-9/ }).waitFor()
    expect(await other.getByRole('region', { name: /Queue|Containers/ }).count()).toBe(0)
  })

  test('a sweep that fails says of what', async () => {
    const { engine, listen } = await open({ intervalMs: 100 })
    engine.before('inventory', () => ({ again: 'later', message: 'The list was cut short.' }))
    const { page } = await visit(await listen(), root)
    await page.getByText('Did not succeed: The list was cut short.').waitFor()
  })

  test('a container without a workspace is adopted, and then stands among the workspaces', async () => {
    const world = await open()
    await strand(world, { owner: 'bob', name: 'lost', template: 'nodejs' })
    await world.make({ name: 'lost' }, { 'x-user': 'bob' })
    const { page, complaints } = await visit(await world.listen(), root)
    await page.getByRole('button', { name: 'Adopt lost' }).click()
    const dialog = page.getByRole('dialog', { name: 'Adopt lost?' })
    expect(await dialog.getByLabel('Owner').inputValue()).toBe('bob')
    await dialog.getByRole('button', { name: 'Adopt lost' }).click()
    await dialog.getByRole('alert').getByText('name').waitFor() // it is taken
    await dialog.getByLabel('Name').fill('found')
    await dialog.getByRole('button', { name: 'Adopt lost' }).click()
    await page
      .getByRole('row', { name: /found.*bob/ })
      .getByText('running.up')
      .waitFor()
    expect(await page.getByRole('region', { name: 'Containers without a workspace' }).count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test('a container without a workspace is removed once that is confirmed', async () => {
    const world = await open()
    const { container } = await strand(world)
    const { page } = await visit(await world.listen(), root)
    await page.getByRole('button', { name: /^Remove/ }).click()
    await page.getByRole('button', { name: 'Keep it as it is' }).click()
    expect(world.engine.containers.has(container)).toBe(true)
    await page.getByRole('button', { name: /^Remove/ }).click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Remove/ })
      .click()
    await page.getByRole('region', { name: 'Containers without a workspace' }).waitFor({ state: 'detached' })
    expect(world.engine.containers.has(container)).toBe(false)
  })

  test("the table narrows by owner, status, template and text, and an operator's filter knows every owner", async () => {
    const { engine, listen, make, until } = await open()
    for (const [name, template, user] of [
      ['one', 'base', 'alice'],
      ['two', 'nodejs', 'bob'],
      ['three', 'nodejs', 'alice'],
    ] as const) {
      if (name === 'three') engine.failNext('boot', { again: 'never', message: 'No room on the shelf.' })
      const { id } = await make({ name, template }, { 'x-user': user })
      await until(id, ({ status }) => status !== 'creating')
    }
    const { page } = await visit(await listen(), root)
    const found = page.locator('.found')
    await found.getByText('3 of 3').waitFor()
    for (const [label, value, left] of [
      ['Owner', 'alice', '2 of 3'],
      ['Template', 'nodejs', '1 of 3'],
      ['Status', 'running', '0 of 3'],
      ['Owner', 'bob', '1 of 3'],
    ] as const) {
      await page.getByRole('search').getByLabel(label).selectOption(value)
      await found.getByText(left).waitFor()
    }
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByLabel('Text').fill('shelf')
    await found.getByText('1 of 3').waitFor()
    await page.getByRole('row', { name: /three/ }).waitFor()
  })

  test('the page of a workspace shows what its statechart remembers, and follows it', async () => {
    const { engine, listen, make, until } = await open()
    const fault = { again: 'later', message: 'The engine is busy.' } as const
    const stop = engine.before('boot', () => fault)
    const { id } = await make({ name: 'one', template: 'python' })
    await until(id, ({ state }) => state === 'creating.waiting')
    const { page, complaints } = await visit(await listen(), { at: `#/workspaces/${id}` })
    const way = page.getByRole('table', { name: 'Its way' })
    await way.getByRole('row', { name: /failed tries [1-9]/ }).waitFor()
    await way.getByRole('row', { name: /step reached boot/ }).waitFor()
    const recipe = page.getByRole('table', { name: 'Its recipe' })
    await recipe.getByRole('row', { name: /variables [A-Z]/ }).waitFor()
    stop()
    await way.getByRole('row', { name: /failed tries 0/ }).waitFor()
    await way.getByRole('row', { name: /prepared yes/ }).waitFor()
    expect(complaints).toEqual([])
  })

  test('a workspace is given more time, and its connection is copied', async () => {
    const { listen, make, until } = await open()
    const { id } = await make({ name: 'one', ttl_seconds: 600 })
    const up = await until(id, ({ status }) => status === 'running')
    const { page } = await visit(await listen(), {
      at: `#/workspaces/${id}`,
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await page.getByRole('button', { name: 'Extend' }).click()
    await page.getByRole('dialog').getByRole('combobox').selectOption('7 days')
    await page.getByRole('button', { name: 'Extend one' }).click()
    await page.getByText('Extend: accepted.').waitFor()
    const { expires_at } = await until(id, ({ ttl_seconds }) => ttl_seconds === 604_800)
    expect(Date.parse(String(expires_at))).toBeGreaterThan(Date.parse(String(up['expires_at'])))
    await page.getByRole('button', { name: 'Copy vm ssh one' }).click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe('vm ssh one')
  })
})
