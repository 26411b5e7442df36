import { describe, expect, test } from 'vitest'
import { hasBrowser, useConsole } from './console-browser.ts'

const failed = { kind: 'permanent', message: 'The image has no shell.' } as const

describe.skipIf(!hasBrowser)('the console in a browser', () => {
  const { open, visit } = useConsole()

  test('a workspace that is created over the API is seen going to running without a reload', async () => {
    const { listen, createWorkspace, engine } = await open()
    const { page, browserErrors } = await visit(await listen())
    await page.getByText('There is no workspace yet').waitFor()
    let go = () => {}
    engine.before('boot', () => new Promise((resolve) => (go = () => resolve(undefined))))
    await createWorkspace({ name: 'seen' })
    const row = page.getByRole('row', { name: /seen/ })
    await row.getByText('creating.boot').waitFor()
    go()
    await row.getByText('running.up').waitFor()
    expect(browserErrors).toEqual([])
  })

  test('a workspace is stopped and started from its page', async () => {
    const { listen, createWorkspace, waitFor } = await open()
    const { id } = await createWorkspace({ name: 'one' })
    await waitFor(id, ({ status }) => status === 'running')
    const { page, browserErrors } = await visit(await listen(), { at: `#/workspaces/${id}` })
    const state = page.locator('.title .state')
    await state.getByText('running.up').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await state.getByText('stopped.idle').waitFor()
    await page.getByText('Not possible while it is stopped.idle: stop, restart.').waitFor()
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await state.getByText('running.up').waitFor()
    expect(browserErrors).toEqual([])
  })

  test('a failed one shows its reason, and is tried again', async () => {
    const { listen, createWorkspace, engine, waitFor } = await open()
    engine.failNext('boot', failed)
    const { id } = await createWorkspace({ name: 'unlucky' })
    await waitFor(id, ({ status }) => status === 'failed')
    const { page } = await visit(await listen())
    const failures = page.getByRole('region', { name: 'Failures' })
    await failures.getByText(failed.message).waitFor()
    await failures.getByRole('link', { name: 'unlucky' }).click()
    await page.getByRole('heading', { name: 'Why it failed' }).waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.title .state').getByText('running.up').waitFor()
    expect(await page.getByRole('heading', { name: 'Why it failed' }).count()).toBe(0)
  })

  test('a past step shows the chart as it was then', async () => {
    const { listen, createWorkspace, waitFor } = await open()
    const { id } = await createWorkspace()
    await waitFor(id, ({ status }) => status === 'running')
    const { page } = await visit(await listen(), { at: `#/workspaces/${id}` })
    const isLit = (state: string) => page.locator(`g[id="state-${state}"].lit`)
    await isLit('running.up').waitFor()
    await page.getByRole('button', { name: /creating\.container/ }).click()
    await isLit('creating.container').waitFor()
    expect(await isLit('running.up').count()).toBe(0)
    expect(await page.locator('g[id="arrow-creating.image-creating.container"].now').count()).toBe(1)
    expect(await page.locator('g[id="arrow-creating.setup-running"].lit').count()).toBe(0)
    await page.getByRole('button', { name: 'Now', exact: true }).click()
    await isLit('running.up').waitFor()
    expect(await page.locator('g[id="arrow-creating.setup-running"].lit').count()).toBe(1)
  })

  test('a feed that is cut says so, and comes back with nothing missing', async () => {
    const { app, listen, createWorkspace, waitFor } = await open()
    const { page } = await visit(await listen())
    await page.getByText('Live', { exact: true }).waitFor()
    // Whoever asks meanwhile is not answered, so that something happens while the page does not hear.
    await page.context().setOffline(true)
    app.server.closeAllConnections()
    await page.getByText('Connection lost, trying again…').waitFor()
    const { id } = await createWorkspace({ name: 'meanwhile' })
    await waitFor(id, ({ status }) => status === 'running')
    await page.context().setOffline(false)
    await page.getByText('Live', { exact: true }).waitFor()
    await page
      .getByRole('row', { name: /meanwhile/ })
      .getByText('running.up')
      .waitFor()
  })

  test('names and metadata with markup in them are shown as text', async () => {
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

  test("nobody but an operator sees another owner's workspaces", async () => {
    const { listen, createWorkspace, waitFor } = await open()
    const { id } = await createWorkspace({ name: 'private' }, { 'x-user': 'bob' })
    await waitFor(id, ({ status }) => status === 'running')
    await createWorkspace({ name: 'mine' })
    const port = await listen()
    const { page } = await visit(port)
    await page.getByRole('row', { name: /mine/ }).waitFor()
    expect(await page.getByText('private').count()).toBe(0)
    await page.goto(`http://127.0.0.1:${port}/console/#/workspaces/${id}`)
    await page.getByRole('heading', { name: 'Nothing here' }).waitFor()
    const { page: operator } = await visit(port, { user: 'root' })
    await operator.getByRole('row', { name: /private.*bob/ }).waitFor()
  })

  test('who has not said a name is asked for one, once', async () => {
    const { listen, createWorkspace } = await open()
    await createWorkspace({ name: 'mine' })
    const { page } = await visit(await listen(), { user: null })
    await page.getByLabel('Who are you?').fill('no,name')
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.getByRole('alert').getByText('Send a user name').waitFor()
    await page.getByLabel('Who are you?').fill('alice')
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.getByRole('row', { name: /mine/ }).waitFor()
    await page.reload()
    await page.getByRole('row', { name: /mine/ }).waitFor()
  })

  test('who comes through a proxy is asked for nothing', async () => {
    const { listen, createWorkspace } = await open()
    await createWorkspace({ name: 'mine' })
    const extraHTTPHeaders = { 'x-vm-user': 'alice' } // what the proxy adds
    const { page } = await visit(await listen(), { user: null, extraHTTPHeaders })
    await page.getByText('Signed in by the proxy').waitFor()
    await page.getByRole('row', { name: /mine/ }).waitFor()
  })

  test('a workspace is found, stopped and deleted with the keyboard alone', async () => {
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
    await page.locator('.title .state').getByText('stopped.idle').waitFor()
    await tabTo('Delete')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Delete second?' }).waitFor()
    expect(await focused()).toBe('Keep it as it is')
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await focused()).toBe('Delete')
    await page.keyboard.press('Enter')
    await tabTo('Delete second')
    await page.keyboard.press('Enter')
    await page.getByText('It is deleted.').waitFor()
    expect(count('workspaces')).toBe(2)
  })

  test('an engine that is away is shown, and so is its return', async () => {
    const { listen, engine } = await open()
    const { page } = await visit(await listen())
    await page.getByText('Database well, engine well').waitFor()
    engine.disconnect()
    await page.getByText('Database well, engine away').waitFor()
    engine.reconnect()
    await page.getByText('Database well, engine well').waitFor()
  })

  test('several chosen workspaces are stopped at once', async () => {
    const { listen, createWorkspace, waitFor } = await open()
    for (const name of ['first', 'second', 'third']) {
      const { id } = await createWorkspace({ name })
      await waitFor(id, ({ status }) => status === 'running')
    }
    const { page } = await visit(await listen())
    await page.getByLabel('Choose first of alice').check()
    await page.getByLabel('Choose third of alice').check()
    await page.getByLabel('Text').fill('first')
    await page.getByText('2 chosen, 1 of them not listed').waitFor()
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
