import { describe, expect, test } from 'vitest'
import type { ContainerRecord } from '../../src/workspace/container.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import type { TestServer } from '../http/test-server.ts'
import { hasBrowser, useConsole } from './console-browser.ts'

const root = { user: 'root' }

/** Creates a container of this installation without a workspace. */
async function createOrphan({ engine, supervisor }: TestServer, labels: ContainerRecord['labels'] = {}) {
  const workspace = newWorkspaceId()
  const container = engine.placeContainer(
    workspace,
    { kind: 'running', connection: { container_id: 'c' } },
    'here',
    labels,
  )
  engine.disconnect()
  engine.reconnect() // a reconnect triggers a reconcile
  await expect.poll(() => supervisor.orphans().length).toBe(1) // no event reports the end of a reconcile
  return { workspace, container }
}

describe.skipIf(!hasBrowser)('panels of the console', () => {
  const { open, visit } = useConsole()

  test('only operators see the queue and the result of each sweep', async () => {
    const { engine, listen, createWorkspace } = await open({ intervalMs: 200 })
    engine.before('image', () => new Promise(() => {}))
    for (let index = 0; index < 10; index++) await createWorkspace({ name: `w-${index}` })
    const port = await listen()
    const { page, browserErrors } = await visit(port, root)
    const section = page.getByRole('region', { name: 'Queue and sweeps' })
    await section.getByText('2 queued').waitFor()
    await section.getByText('8 of 8 slots in use').waitFor()
    const reconcile = section.getByRole('listitem').filter({ hasText: 'reconcile docker' })
    await reconcile.getByText(/Last run at .*: 0 containers, 0 changed, 0 removed, 0 orphans/).waitFor()
    await section
      .getByRole('listitem')
      .filter({ hasText: 'janitor' })
      .getByText(/next in|next now/)
      .waitFor()
    expect(browserErrors).toEqual([])
    const { page: other } = await visit(port)
    await other.getByRole('row', { name: /w-9/ }).waitFor()
    expect(await other.getByRole('region', { name: /Queue|Orphaned/ }).count()).toBe(0)
  })

  test('a failed sweep shows the reason', async () => {
    const { engine, listen } = await open({ intervalMs: 100 })
    engine.before('list', () => ({ kind: 'transient', message: 'The list was cut short.' }))
    const { page } = await visit(await listen(), root)
    await page.getByText('Failed: The list was cut short.').waitFor()
  })

  test('an adopted container appears among the workspaces', async () => {
    const testServer = await open()
    await createOrphan(testServer, { owner: 'bob', name: 'lost', template: 'nodejs' })
    await testServer.createWorkspace({ name: 'lost' }, { 'x-user': 'bob' })
    const { page, browserErrors } = await visit(await testServer.listen(), root)
    await page.getByRole('button', { name: 'Adopt lost' }).click()
    const dialog = page.getByRole('dialog', { name: 'Adopt lost?' })
    expect(await dialog.getByLabel('Owner').inputValue()).toBe('bob')
    await dialog.getByRole('button', { name: 'Adopt lost' }).click()
    await dialog.getByRole('alert').getByText('name').waitFor() // the name is taken
    await dialog.getByLabel('Name').fill('found')
    await dialog.getByRole('button', { name: 'Adopt lost' }).click()
    await page
      .getByRole('row', { name: /found.*bob/ })
      .getByText('running.up')
      .waitFor()
    expect(await page.getByRole('region', { name: 'Orphaned containers' }).count()).toBe(0)
    expect(browserErrors).toEqual([])
  })

  test('an orphaned container is removed after a confirmation', async () => {
    const testServer = await open()
    const { container } = await createOrphan(testServer)
    const { page } = await visit(await testServer.listen(), root)
    await page.getByRole('button', { name: /^Remove/ }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect(testServer.engine.containers.has(container)).toBe(true)
    await page.getByRole('button', { name: /^Remove/ }).click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Remove/ })
      .click()
    await page.getByRole('region', { name: 'Orphaned containers' }).waitFor({ state: 'detached' })
    expect(testServer.engine.containers.has(container)).toBe(false)
  })

  test('operators can filter the table by owner, status, template and text', async () => {
    const { engine, listen, createWorkspace, waitFor } = await open()
    for (const [name, template, user] of [
      ['one', 'base', 'alice'],
      ['two', 'nodejs', 'bob'],
      ['three', 'nodejs', 'alice'],
    ] as const) {
      if (name === 'three') engine.failNext('boot', { kind: 'permanent', message: 'No space left on device.' })
      const { id } = await createWorkspace({ name, template }, { 'x-user': user })
      await waitFor(id, ({ status }) => status !== 'creating')
    }
    const { page } = await visit(await listen(), root)
    const matchCount = page.locator('.match-count')
    await matchCount.getByText('3 of 3').waitFor()
    for (const [label, value, remaining] of [
      ['Owner', 'alice', '2 of 3'],
      ['Template', 'nodejs', '1 of 3'],
      ['Status', 'running', '0 of 3'],
      ['Owner', 'bob', '1 of 3'],
    ] as const) {
      await page.getByRole('search').getByLabel(label).selectOption(value)
      await matchCount.getByText(remaining).waitFor()
    }
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByLabel('Text').fill('space left')
    await matchCount.getByText('1 of 3').waitFor()
    await page.getByRole('row', { name: /three/ }).waitFor()
  })

  test('the page of a workspace shows its snapshot and keeps it up to date', async () => {
    const { engine, listen, createWorkspace, waitFor } = await open()
    const fault = { kind: 'transient', message: 'The engine is busy.' } as const
    const stopFailing = engine.before('boot', () => fault)
    const { id } = await createWorkspace({ name: 'one', template: 'python' })
    await waitFor(id, ({ state }) => state === 'creating.waiting')
    const { page, browserErrors } = await visit(await listen(), { at: `#/workspaces/${id}` })
    const progress = page.getByRole('table', { name: 'Progress' })
    await progress.getByRole('row', { name: /failed attempts [1-9]/ }).waitFor()
    await progress.getByRole('row', { name: /step boot/ }).waitFor()
    const spec = page.getByRole('table', { name: 'Spec' })
    await spec.getByRole('row', { name: /variables [A-Z]/ }).waitFor()
    stopFailing()
    await progress.getByRole('row', { name: /failed attempts 0/ }).waitFor()
    await progress.getByRole('row', { name: /prepared yes/ }).waitFor()
    expect(browserErrors).toEqual([])
  })

  test('the TTL of a workspace can be extended, and its connection copied', async () => {
    const { listen, createWorkspace, waitFor } = await open()
    const { id } = await createWorkspace({ name: 'one', ttl_seconds: 600 })
    const running = await waitFor(id, ({ status }) => status === 'running')
    const { page } = await visit(await listen(), {
      at: `#/workspaces/${id}`,
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await page.getByRole('button', { name: 'Extend' }).click()
    await page.getByRole('dialog').getByRole('combobox').selectOption('in 7 days')
    await page.getByRole('button', { name: 'Extend one' }).click()
    await page.getByText('Extend: accepted.').waitFor()
    const { expires_at } = await waitFor(id, ({ ttl_seconds }) => ttl_seconds === 604_800)
    expect(Date.parse(String(expires_at))).toBeGreaterThan(Date.parse(String(running['expires_at'])))
    await page.getByRole('button', { name: 'Copy vm ssh one' }).click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe('vm ssh one')
  })
})
