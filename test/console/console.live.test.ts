import { describe, expect, test } from 'vitest'
import { hasBrowser, useConsole } from './console-browser.ts'

const failed = { kind: 'permanent', message: 'The image has no shell.' } as const

describe.skipIf(!hasBrowser)('the console in a browser', () => {
  const { open, visit } = useConsole()

  test('a workspace that is created through the API appears and becomes running without a reload', async () => {
    const { listen, createWorkspace, engine } = await open()
    const { page, browserErrors } = await visit(await listen())
    await page.getByText('There are no workspaces yet').waitFor()
    let finishBoot = () => {}
    engine.before('boot', () => new Promise((resolve) => (finishBoot = () => resolve(undefined))))
    await createWorkspace({ name: 'visible' })
    const row = page.getByRole('row', { name: /visible/ })
    await row.getByText('creating.boot').waitFor()
    finishBoot()
    await row.getByText('running.up').waitFor()
    expect(browserErrors).toEqual([])
  })

  test('a workspace is stopped and started from its page', async () => {
    const { listen, createWorkspace, waitFor } = await open()
    const { id } = await createWorkspace({ name: 'one' })
    await waitFor(id, ({ status }) => status === 'running')
    const { page, browserErrors } = await visit(await listen(), { at: `#/workspaces/${id}` })
    const state = page.locator('.page-title .state')
    await state.getByText('running.up').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await state.getByText('stopped.idle').waitFor()
    await page.getByText('Unavailable in state stopped.idle: stop, restart.').waitFor()
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await state.getByText('running.up').waitFor()
    expect(browserErrors).toEqual([])
  })

  test('a failed workspace shows its reason and can be retried', async () => {
    const { listen, createWorkspace, engine, waitFor } = await open()
    engine.failNext('boot', failed)
    const { id } = await createWorkspace({ name: 'broken' })
    await waitFor(id, ({ status }) => status === 'failed')
    const { page } = await visit(await listen())
    const failures = page.getByRole('region', { name: 'Failures' })
    await failures.getByText(failed.message).waitFor()
    await failures.getByRole('link', { name: 'broken' }).click()
    await page.getByRole('heading', { name: 'Reason for the failure' }).waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.page-title .state').getByText('running.up').waitFor()
    expect(await page.getByRole('heading', { name: 'Reason for the failure' }).count()).toBe(0)
  })

  test('selecting a past transition shows the statechart at that time', async () => {
    const { listen, createWorkspace, waitFor } = await open()
    const { id } = await createWorkspace()
    await waitFor(id, ({ status }) => status === 'running')
    const { page } = await visit(await listen(), { at: `#/workspaces/${id}` })
    const activeState = (state: string) => page.locator(`g[id="state-${state}"].active`)
    await activeState('running.up').waitFor()
    await page.getByRole('button', { name: /creating\.container/ }).click()
    await activeState('creating.container').waitFor()
    expect(await activeState('running.up').count()).toBe(0)
    expect(await page.locator('g[id="arrow-creating.image-creating.container"].latest').count()).toBe(1)
    expect(await page.locator('g[id="arrow-creating.setup-running"].active').count()).toBe(0)
    await page.getByRole('button', { name: 'Current', exact: true }).click()
    await activeState('running.up').waitFor()
    expect(await page.locator('g[id="arrow-creating.setup-running"].active').count()).toBe(1)
  })

  test('a lost connection is shown, and no change is missing after the reconnect', async () => {
    const { app, listen, createWorkspace, waitFor } = await open()
    const { page } = await visit(await listen())
    await page.getByText('Live', { exact: true }).waitFor()
    // The page must miss a change, so it stays offline until the workspace is running.
    await page.context().setOffline(true)
    app.server.closeAllConnections()
    await page.getByText('Connection lost. Reconnecting…').waitFor()
    const { id } = await createWorkspace({ name: 'missed' })
    await waitFor(id, ({ status }) => status === 'running')
    await page.context().setOffline(false)
    await page.getByText('Live', { exact: true }).waitFor()
    await page
      .getByRole('row', { name: /missed/ })
      .getByText('running.up')
      .waitFor()
  })

  test('markup in reasons and metadata is shown as text', async () => {
    const { listen, createWorkspace, engine, waitFor } = await open()
    const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    engine.failNext('boot', { kind: 'permanent', message: `It said ${markup}` })
    const { id } = await createWorkspace({ name: 'one', metadata: { [markup]: markup } })
    await waitFor(id, ({ status }) => status === 'failed')
    const { page, browserErrors } = await visit(await listen(), { at: `#/workspaces/${id}` })
    await page.locator('.notice .reason', { hasText: markup }).waitFor()
    await page.locator('pre', { hasText: 'onerror' }).first().waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('vm-api console')
    expect(browserErrors).toEqual([])
  })

  test("only operators see another owner's workspaces", async () => {
    const { listen, createWorkspace, waitFor } = await open()
    const { id } = await createWorkspace({ name: 'private' }, { 'x-user': 'bob' })
    await waitFor(id, ({ status }) => status === 'running')
    await createWorkspace({ name: 'own' })
    const port = await listen()
    const { page } = await visit(port)
    await page.getByRole('row', { name: /own/ }).waitFor()
    expect(await page.getByText('private').count()).toBe(0)
    await page.goto(`http://127.0.0.1:${port}/console/#/workspaces/${id}`)
    await page.getByRole('heading', { name: 'Workspace not found' }).waitFor()
    const { page: operator } = await visit(port, { user: 'root' })
    await operator.getByRole('row', { name: /private.*bob/ }).waitFor()
  })

  test('a user signs in with a name once, and a reload remembers it', async () => {
    const { listen, createWorkspace } = await open()
    await createWorkspace({ name: 'own' })
    const { page } = await visit(await listen(), { user: null })
    await page.getByLabel('User name').fill('no,name')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('Authentication required').waitFor()
    await page.getByLabel('User name').fill('alice')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('row', { name: /own/ }).waitFor()
    await page.reload()
    await page.getByRole('row', { name: /own/ }).waitFor()
  })

  test('a user behind an authenticating proxy sees no sign-in form', async () => {
    const { listen, createWorkspace } = await open()
    await createWorkspace({ name: 'own' })
    const extraHTTPHeaders = { 'x-vm-user': 'alice' } // as added by the proxy
    const { page } = await visit(await listen(), { user: null, extraHTTPHeaders })
    await page.getByText('Signed in by the proxy').waitFor()
    await page.getByRole('row', { name: /own/ }).waitFor()
  })

  test('a workspace can be found, stopped and deleted with the keyboard alone', async () => {
    const { listen, createWorkspace, waitFor, count } = await open()
    for (const name of ['first', 'second', 'third']) {
      const { id } = await createWorkspace({ name })
      await waitFor(id, ({ status }) => status === 'running')
    }
    const { page } = await visit(await listen())
    const focused = () =>
      page.evaluate<string>(
        "document.activeElement?.textContent || document.activeElement?.getAttribute('aria-label') || ''",
      )
    const tabTo = async (text: string) => {
      for (let presses = 0; presses < 60; presses++) {
        if ((await focused()).trim() === text) return
        await page.keyboard.press('Tab')
      }
      throw new Error(`Tab does not reach ${text}`)
    }
    await page.getByRole('row', { name: /third/ }).waitFor()
    await tabTo('third')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('second')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'second' }).waitFor()
    await tabTo('Stop')
    await page.keyboard.press('Enter')
    await page.locator('.page-title .state').getByText('stopped.idle').waitFor()
    await tabTo('Delete')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Delete second?' }).waitFor()
    expect(await focused()).toBe('Cancel')
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await focused()).toBe('Delete')
    await page.keyboard.press('Enter')
    await tabTo('Delete second')
    await page.keyboard.press('Enter')
    await page.getByText('This workspace was deleted.').waitFor()
    expect(count('workspaces')).toBe(2)
  })

  test('the health badge shows that the engine is disconnected, and when it is back', async () => {
    const { listen, engine } = await open()
    const { page } = await visit(await listen())
    await page.getByText('Database connected, engine connected').waitFor()
    engine.disconnect()
    await page.getByText('Database connected, engine disconnected').waitFor()
    engine.reconnect()
    await page.getByText('Database connected, engine connected').waitFor()
  })

  test('several selected workspaces are stopped at once', async () => {
    const { listen, createWorkspace, waitFor } = await open()
    for (const name of ['first', 'second', 'third']) {
      const { id } = await createWorkspace({ name })
      await waitFor(id, ({ status }) => status === 'running')
    }
    const { page } = await visit(await listen())
    await page.getByLabel('Select first of alice').check()
    await page.getByLabel('Select third of alice').check()
    await page.getByLabel('Text').fill('first')
    await page.getByText('2 selected, 1 hidden by the filter').waitFor()
    await page.getByLabel('Text').fill('')
    await page.getByRole('button', { name: 'Stop 2' }).click()
    await page.getByText('Stop: accepted for 2.').waitFor()
    await page.getByRole('row', { name: /first/ }).getByText('stopped.idle').waitFor()
    await page.getByRole('row', { name: /third/ }).getByText('stopped.idle').waitFor()
    expect(
      await page
        .getByRole('row', { name: /second/ })
        .getByText('running.up')
        .count(),
    ).toBe(1)
  })
})
