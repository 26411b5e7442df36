import { expect, test } from 'vitest'
import type { WorkspaceBody, TestServer } from '../test-server.ts'
import { openTestServer } from '../test-server.ts'

const list = '/api/v1/workspaces'
const names = (workspaces: readonly WorkspaceBody[]) => workspaces.map(({ name }) => name)
const nextLinkOf = (link: unknown) => /^<(?<path>[^>]+)>; rel="next"$/.exec(String(link))?.groups?.['path']

/** All pages from `path` on. `between` runs before each page except the first. */
async function listAllPages<T = WorkspaceBody>(
  { inject }: TestServer,
  path: string,
  between = async () => {},
  headers = {},
): Promise<T[][]> {
  const pages: T[][] = []
  for (let next: string | undefined = path; next !== undefined; ) {
    if (pages.length > 0) await between()
    const response = await inject('GET', next, { headers })
    pages.push(response.json<T[]>())
    next = response.headers.link === undefined ? undefined : nextLinkOf(response.headers.link)
  }
  return pages
}

test('the list is a bare array of the caller’s workspaces, newest first by order of creation', async () => {
  const { inject, createWorkspace } = await openTestServer()
  expect((await inject('GET', list)).body).toBe('[]')
  for (const name of ['c', 'a', 'b']) await createWorkspace({ name })
  await createWorkspace({ name: 'other' }, { 'x-user': 'bob' })
  const response = await inject('GET', list)
  expect(names(response.json<WorkspaceBody[]>())).toEqual(['b', 'a', 'c'])
  expect(response.headers).not.toHaveProperty('link')
})

test('paging returns each workspace once, whatever is created and deleted in the meantime', async () => {
  const testServer = await openTestServer()
  const created: WorkspaceBody[] = []
  for (let number = 0; number < 7; number += 1) created.push(await testServer.createWorkspace({ name: `w${number}` }))
  let late = 0
  const pages = await listAllPages(testServer, `${list}?limit=2`, async () => {
    await testServer.createWorkspace({ name: `late${late++}` })
    for (const workspace of late === 1 ? [created[5], created[4]] : [])
      await testServer.inject('DELETE', `${list}/${workspace?.id}`)
  })
  expect(pages.map((page) => names(page))).toEqual([
    ['w6', 'w5'],
    ['w3', 'w2'],
    ['w1', 'w0'],
  ])
})

test('the last page has no link, and a link keeps the filters', async () => {
  const testServer = await openTestServer()
  for (const [name, template] of [
    ['a', 'go'],
    ['b', 'base'],
    ['c', 'go'],
    ['d', 'go'],
  ])
    await testServer.createWorkspace({ name, template })
  expect((await testServer.inject('GET', `${list}?limit=4`)).headers).not.toHaveProperty('link')
  const first = await testServer.inject('GET', `${list}?template=go&limit=1&odd=a?b%26c`)
  expect(nextLinkOf(first.headers.link)).toContain('template=go')
  const pages = await listAllPages(testServer, `${list}?template=go&limit=1&odd=a?b%26c`)
  expect(pages.map((page) => names(page))).toEqual([['d'], ['c'], ['a']])
})

test('filters by status, name and template can be combined', async () => {
  const { inject, engine, createWorkspace, waitFor } = await openTestServer()
  const a = await createWorkspace({ name: 'a', template: 'go' })
  const b = await createWorkspace({ name: 'b', template: 'go' })
  await createWorkspace({ name: 'c' })
  for (const { id } of [a, b]) await waitFor(id, ({ status }) => status === 'running')
  await inject('POST', `${list}/${a.id}/stop`)
  await waitFor(a.id, ({ status }) => status === 'stopped')
  engine.before('image', () => new Promise(() => {}))
  await createWorkspace({ name: 'd' })
  const found = async (query: string) => names((await inject('GET', `${list}?${query}`)).json<WorkspaceBody[]>())
  expect(await found('status=stopped')).toEqual(['a'])
  expect(await found('status=creating')).toEqual(['d'])
  expect(await found('status=failed')).toEqual([])
  expect(await found('template=go')).toEqual(['b', 'a'])
  expect(await found('template=nope')).toEqual([])
  expect(await found('name=c')).toEqual(['c'])
  expect(await found('name=C')).toEqual([])
  expect(await found('status=running&template=go')).toEqual(['b'])
  expect(await found('nobody=knows')).toHaveLength(4)
})

test('operators list the workspaces of one or all owners, including those being deleted', async () => {
  const testServer = await openTestServer()
  const { inject, engine, createWorkspace, waitFor } = testServer
  const headers = { 'x-user': 'root' }
  const a = await createWorkspace({ name: 'a' })
  await createWorkspace({ name: 'b' }, { 'x-user': 'bob' })
  await createWorkspace({ name: 'r' }, headers)
  await waitFor(a.id, ({ status }) => status === 'running')
  engine.disconnect()
  const deletion = inject('DELETE', `${list}/${a.id}`)
  await waitFor(a.id, ({ status }) => status === 'deleting')
  const found = async (query: string) =>
    names((await inject('GET', `${list}${query}`, { headers })).json<WorkspaceBody[]>())
  expect(await found('')).toEqual(['r'])
  expect(await found('?owner=bob')).toEqual(['b'])
  expect(await found('?owner=alice')).toEqual(['a'])
  expect(await found('?owner=nobody')).toEqual([])
  expect(await found('?owner=*')).toEqual(['r', 'b', 'a'])
  expect(await found('?owner=*&status=deleting')).toEqual(['a'])
  expect(await found('?status=deleting')).toEqual([])
  const pages = await listAllPages(testServer, `${list}?owner=*&limit=2`, undefined, headers)
  expect(pages.map((page) => names(page))).toEqual([['r', 'b'], ['a']])
  engine.reconnect()
  expect((await deletion).statusCode).toBe(200)
})

test.each(['alice', '*', '__proto__', 'ROOT'])(
  'the user %s, who is not an operator, lists no other owner’s workspaces with ?owner=',
  async (user) => {
    const { inject, createWorkspace } = await openTestServer()
    await createWorkspace({ name: 'secret' }, { 'x-user': 'bob' })
    for (const query of ['', '?owner=*', '?owner=bob', '?owner=root', '?name=secret', '?limit=1'])
      expect((await inject('GET', `${list}${query}`, { headers: { 'x-user': user } })).body).toBe('[]')
  },
)

test('a history has every transition, oldest first, in pages, and outlives the workspace', async () => {
  const testServer = await openTestServer()
  const { id } = await testServer.createWorkspace()
  await testServer.waitFor(id, ({ status }) => status === 'running')
  await testServer.inject('DELETE', `${list}/${id}`)
  const all = await testServer.inject('GET', `${list}/${id}/history`)
  const lines = all.json<{ seq: number; event: string; from: string | null; to: string; by: string }[]>()
  expect(lines[0]).toEqual({
    seq: expect.any(Number),
    at: expect.stringMatching(/\.\d{3}Z$/),
    event: 'create',
    from: null,
    to: 'creating.queued',
    by: 'user:alice',
  })
  expect(lines.map(({ event }) => event)).toEqual([
    'create',
    'granted',
    'image.done',
    'container.done',
    'boot.done',
    'setup.done',
    'delete',
    'remove.done',
  ])
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map(({ seq }) => seq).toSorted((a, b) => a - b))
  const pages = await listAllPages(testServer, `${list}/${id}/history?limit=3`)
  expect(pages.map((page) => page.length)).toEqual([3, 3, 2])
  expect(pages.flat()).toEqual(lines)
  expect((await testServer.inject('GET', `${list}/${id}/history`, { headers: { 'x-user': 'root' } })).body).toBe(
    all.body,
  )
  for (const query of [
    'limit=0',
    'limit=1001',
    'cursor=x',
    `cursor=${Buffer.from('workspaces after 1').toString('base64url')}`,
  ])
    expect((await testServer.inject('GET', `${list}/${id}/history?${query}`)).statusCode).toBe(400)
})
