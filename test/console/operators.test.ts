import { describe, expect, test } from 'vitest'
import type { ContainerRecord } from '../../src/workspace/container.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import type { TestServer } from '../http/test-server.ts'
import { hasBrowser, useConsole } from './console-browser.ts'

const root = { user: 'root' }

/** Puts a container there that nobody ever heard of. */
async function createOrphan({ engine, supervisor }: TestServer, labelled: ContainerRecord['labels'] = {}) {
  const workspace = newWorkspaceId()
  const container = engine.placeContainer(
    workspace,
    { kind: 'running', connection: { container_id: 'c' } },
    'here',
    labelled,
  )
  engine.disconnect()
  engine.reconnect() // and with the reconnect comes an inventory
  await expect.poll(() => supervisor.orphans().length).toBe(1) // it is not told when that is done
  return { workspace, container }
}

describe.skipIf(!hasBrowser)('what operators are shown', () => {
  const { open, visit } = useConsole()

  test('an operator sees the queue and what came of each sweep, nobody else does', async () => {
    const { engine, listen, createWorkspace } = await open({ intervalMs: 200 })
    engine.before('image', () => new Promise(() => {}))
    for (let index = 0; index < 10; index++) await createWorkspace({ name: `w-${index}` })
    const port = await listen()
    const { page, browserErrors } = await visit(port, root)
    const section = page.getByRole('region', { name: 'Queue and sweeps' })
    await section.getByText('2 in the queue').waitFor()
    await section.getByText('8 of 8 slots in use').waitFor()
    const compared = section.getByRole('listitem').filter({ hasText: 'reconcile docker' })
    await compared.getByText(/Last at .*: 0 containers, 0 changed, 0 removed, 0 orphans/).waitFor()
    await section
      .getByRole('listitem')
      .filter({ hasText: 'janitor' })
      .getByText(/next in|next now/)
      .waitFor()
    expect(browserErrors).toEqual([])
    const { page: other } = await visit(port)
    await other.getByRole('row', { name: /w-9/ }).waitFor()
    expect(await other.getByRole('region', { name: /Queue|Containers/ }).count()).toBe(0)
  })

  test('a sweep that fails says of what', async () => {
    const { engine, listen } = await open({ intervalMs: 100 })
    engine.before('list', () => ({ kind: 'transient', message: 'The list was cut short.' }))
    const { page } = await visit(await listen(), root)
    await page.getByText('Did not succeed: The list was cut short.').waitFor()
  })

  test('a container without a workspace is adopted, and then stands among the workspaces', async () => {
    const testServer = await open()
    await createOrphan(testServer, { owner: 'bob', name: 'lost', template: 'nodejs' })
    await testServer.createWorkspace({ name: 'lost' }, { 'x-user': 'bob' })
    const { page, browserErrors } = await visit(await testServer.listen(), root)
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
    expect(browserErrors).toEqual([])
  })

  test('a container without a workspace is removed once that is confirmed', async () => {
    const testServer = await open()
    const { container } = await createOrphan(testServer)
    const { page } = await visit(await testServer.listen(), root)
    await page.getByRole('button', { name: /^Remove/ }).click()
    await page.getByRole('button', { name: 'Keep it as it is' }).click()
    expect(testServer.engine.containers.has(container)).toBe(true)
    await page.getByRole('button', { name: /^Remove/ }).click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Remove/ })
      .click()
    await page.getByRole('region', { name: 'Containers without a workspace' }).waitFor({ state: 'detached' })
    expect(testServer.engine.containers.has(container)).toBe(false)
  })

  test("the table narrows by owner, status, template and text, and an operator's filter knows every owner", async () => {
    const { engine, listen, createWorkspace, waitFor } = await open()
    for (const [name, template, user] of [
      ['one', 'base', 'alice'],
      ['two', 'nodejs', 'bob'],
      ['three', 'nodejs', 'alice'],
    ] as const) {
      if (name === 'three') engine.failNext('boot', { kind: 'permanent', message: 'No room on the shelf.' })
      const { id } = await createWorkspace({ name, template }, { 'x-user': user })
      await waitFor(id, ({ status }) => status !== 'creating')
    }
    const { page } = await visit(await listen(), root)
    const found = page.locator('.found')
    await found.getByText('3 of 3').waitFor()
    for (const [label, value, remaining] of [
      ['Owner', 'alice', '2 of 3'],
      ['Template', 'nodejs', '1 of 3'],
      ['Status', 'running', '0 of 3'],
      ['Owner', 'bob', '1 of 3'],
    ] as const) {
      await page.getByRole('search').getByLabel(label).selectOption(value)
      await found.getByText(remaining).waitFor()
    }
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByLabel('Text').fill('shelf')
    await found.getByText('1 of 3').waitFor()
    await page.getByRole('row', { name: /three/ }).waitFor()
  })

  test('the page of a workspace shows what its statechart remembers, and follows it', async () => {
    const { engine, listen, createWorkspace, waitFor } = await open()
    const fault = { kind: 'transient', message: 'The engine is busy.' } as const
    const stop = engine.before('boot', () => fault)
    const { id } = await createWorkspace({ name: 'one', template: 'python' })
    await waitFor(id, ({ state }) => state === 'creating.waiting')
    const { page, browserErrors } = await visit(await listen(), { at: `#/workspaces/${id}` })
    const location = page.getByRole('table', { name: 'Its way' })
    await location.getByRole('row', { name: /failed tries [1-9]/ }).waitFor()
    await location.getByRole('row', { name: /step reached boot/ }).waitFor()
    const spec = page.getByRole('table', { name: 'Spec' })
    await spec.getByRole('row', { name: /variables [A-Z]/ }).waitFor()
    stop()
    await location.getByRole('row', { name: /failed tries 0/ }).waitFor()
    await location.getByRole('row', { name: /prepared yes/ }).waitFor()
    expect(browserErrors).toEqual([])
  })

  test('a workspace is given more time, and its connection is copied', async () => {
    const { listen, createWorkspace, waitFor } = await open()
    const { id } = await createWorkspace({ name: 'one', ttl_seconds: 600 })
    const up = await waitFor(id, ({ status }) => status === 'running')
    const { page } = await visit(await listen(), {
      at: `#/workspaces/${id}`,
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await page.getByRole('button', { name: 'Extend' }).click()
    await page.getByRole('dialog').getByRole('combobox').selectOption('7 days')
    await page.getByRole('button', { name: 'Extend one' }).click()
    await page.getByText('Extend: accepted.').waitFor()
    const { expires_at } = await waitFor(id, ({ ttl_seconds }) => ttl_seconds === 604_800)
    expect(Date.parse(String(expires_at))).toBeGreaterThan(Date.parse(String(up['expires_at'])))
    await page.getByRole('button', { name: 'Copy vm ssh one' }).click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe('vm ssh one')
  })
})
