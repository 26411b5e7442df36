import { expect, test } from 'vitest'
import type { Shown, World } from './world.ts'
import { openWorld } from './world.ts'

const list = '/api/v1/workspaces'
const names = (shown: readonly Shown[]) => shown.map(({ name }) => name)
const nextIn = (link: unknown) => /^<(?<path>[^>]+)>; rel="next"$/.exec(String(link))?.groups?.['path']

/** Every page from `path` on. `between` runs before each page but the first. */
async function walk({ ask }: World, path: string, between = async () => {}, headers = {}): Promise<unknown[][]> {
  const pages: unknown[][] = []
  for (let next: string | undefined = path; next !== undefined; ) {
    if (pages.length > 0) await between()
    const answer = await ask('GET', next, { headers })
    pages.push(answer.json<unknown[]>())
    next = answer.headers.link === undefined ? undefined : nextIn(answer.headers.link)
  }
  return pages
}

test('the list is a bare array of all of one’s own, newest first by order of creation', async () => {
  const { ask, make } = await openWorld()
  expect((await ask('GET', list)).body).toBe('[]')
  for (const name of ['c', 'a', 'b']) await make({ name })
  await make({ name: 'other' }, { 'x-user': 'bob' })
  const answer = await ask('GET', list)
  expect(names(answer.json<Shown[]>())).toEqual(['b', 'a', 'c'])
  expect(answer.headers).not.toHaveProperty('link')
})

test('a walk with a cursor meets each workspace once, whatever is made and deleted meanwhile', async () => {
  const world = await openWorld()
  const made: Shown[] = []
  for (let number = 0; number < 7; number += 1) made.push(await world.make({ name: `w${number}` }))
  let late = 0
  const pages = await walk(world, `${list}?limit=2`, async () => {
    await world.make({ name: `late${late++}` })
    for (const gone of late === 1 ? [made[5], made[4]] : []) await world.ask('DELETE', `${list}/${gone?.id}`)
  })
  expect(pages.map((page) => names(page as Shown[]))).toEqual([
    ['w6', 'w5'],
    ['w3', 'w2'],
    ['w1', 'w0'],
  ])
})

test('a page that holds all there is has no link, and a link keeps the filters', async () => {
  const world = await openWorld()
  for (const [name, template] of [
    ['a', 'go'],
    ['b', 'base'],
    ['c', 'go'],
    ['d', 'go'],
  ])
    await world.make({ name, template })
  expect((await world.ask('GET', `${list}?limit=4`)).headers).not.toHaveProperty('link')
  const first = await world.ask('GET', `${list}?template=go&limit=1&odd=a?b%26c`)
  expect(nextIn(first.headers.link)).toContain('template=go')
  const pages = await walk(world, `${list}?template=go&limit=1&odd=a?b%26c`)
  expect(pages.map((page) => names(page as Shown[]))).toEqual([['d'], ['c'], ['a']])
})

test('filters narrow by status, name and template, together', async () => {
  const { ask, engine, make, until } = await openWorld()
  const a = await make({ name: 'a', template: 'go' })
  const b = await make({ name: 'b', template: 'go' })
  await make({ name: 'c' })
  for (const { id } of [a, b]) await until(id, ({ status }) => status === 'running')
  await ask('POST', `${list}/${a.id}/stop`)
  await until(a.id, ({ status }) => status === 'stopped')
  engine.before('image', () => new Promise(() => {}))
  await make({ name: 'd' })
  const found = async (query: string) => names((await ask('GET', `${list}?${query}`)).json<Shown[]>())
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

test('operators list another owner’s, or everybody’s, and there see what is being deleted', async () => {
  const world = await openWorld()
  const { ask, engine, make, until } = world
  const headers = { 'x-user': 'root' }
  const a = await make({ name: 'a' })
  await make({ name: 'b' }, { 'x-user': 'bob' })
  await make({ name: 'r' }, headers)
  await until(a.id, ({ status }) => status === 'running')
  engine.leave()
  const deletion = ask('DELETE', `${list}/${a.id}`)
  await until(a.id, ({ status }) => status === 'deleting')
  const found = async (query: string) => names((await ask('GET', `${list}${query}`, { headers })).json<Shown[]>())
  expect(await found('')).toEqual(['r'])
  expect(await found('?owner=bob')).toEqual(['b'])
  expect(await found('?owner=alice')).toEqual(['a'])
  expect(await found('?owner=nobody')).toEqual([])
  expect(await found('?owner=*')).toEqual(['r', 'b', 'a'])
  expect(await found('?owner=*&status=deleting')).toEqual(['a'])
  expect(await found('?status=deleting')).toEqual([])
  const pages = await walk(world, `${list}?owner=*&limit=2`, undefined, headers)
  expect(pages.map((page) => names(page as Shown[]))).toEqual([['r', 'b'], ['a']])
  engine.comeBack()
  expect((await deletion).statusCode).toBe(200)
})

test.each(['alice', '*', '__proto__', 'ROOT'])(
  'the user %s, who is no operator, lists nobody else’s with ?owner=',
  async (user) => {
    const { ask, make } = await openWorld()
    await make({ name: 'secret' }, { 'x-user': 'bob' })
    for (const query of ['', '?owner=*', '?owner=bob', '?owner=root', '?name=secret', '?limit=1'])
      expect((await ask('GET', `${list}${query}`, { headers: { 'x-user': user } })).body).toBe('[]')
  },
)

test('a history tells every transition, oldest first, in pages, and outlives the workspace', async () => {
  const world = await openWorld()
  const { id } = await world.make()
  await world.until(id, ({ status }) => status === 'running')
  await world.ask('DELETE', `${list}/${id}`)
  const all = await world.ask('GET', `${list}/${id}/history`)
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
    'destroy.done',
  ])
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map(({ seq }) => seq).toSorted((a, b) => a - b))
  const pages = await walk(world, `${list}/${id}/history?limit=3`)
  expect(pages.map((page) => page.length)).toEqual([3, 3, 2])
  expect(pages.flat()).toEqual(lines)
  expect((await world.ask('GET', `${list}/${id}/history`, { headers: { 'x-user': 'root' } })).body).toBe(all.body)
  for (const query of [
    'limit=0',
    'limit=1001',
    'cursor=x',
    `cursor=${Buffer.from('workspaces after 1').toString('base64url')}`,
  ])
    expect((await world.ask('GET', `${list}/${id}/history?${query}`)).statusCode).toBe(400)
})
