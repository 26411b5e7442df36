import { expect, test } from 'vitest'
import type { Found } from '../../src/workspace/container.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { openWorld } from './world.ts'

const strays = '/api/v1/strays'
const asRoot = { headers: { 'x-user': 'root' } }

/** A world whose engine has a container that nobody ever heard of, and one of a workspace. */
async function openWithStray(labelled: Found['labelled'] = {}, state: Found['state'] = { kind: 'made' }) {
  const world = await openWorld()
  const { id } = await world.make()
  await world.until(id, ({ status }) => status === 'running')
  const workspace = newWorkspaceId()
  const container = world.engine.place(workspace, state, 'here', labelled)
  world.engine.leave()
  world.engine.comeBack() // and with the reconnect comes an inventory
  await expect.poll(() => world.supervisor.strays().length).toBe(1) // it is not told when that is done
  return { ...world, id, workspace, container }
}

test('an operator sees containers without a workspace, and removes one; who did it is written down', async () => {
  const { ask, container, engine, id, workspace } = await openWithStray()
  const list = (await ask('GET', strays, asRoot)).json()
  expect(list).toEqual([{ container_id: container, provider: 'docker', workspace, state: 'made' }])
  const removed = await ask('DELETE', `${strays}/${container}`, asRoot)
  expect([removed.statusCode, removed.json()]).toEqual([200, { message: 'Container removed' }])
  expect([...engine.containers.values()].map(({ workspaceId }) => workspaceId)).toEqual([id])
  expect((await ask('GET', strays, asRoot)).json()).toEqual([])
  const history = (await ask('GET', `/api/v1/workspaces/${workspace}/history`, asRoot)).json()
  expect(history).toMatchObject([{ event: 'remove', from: null, to: 'deleted', by: 'user:root' }])
})

test('a removal while the engine is away is done when it is back', async () => {
  const { ask, container, engine, id } = await openWithStray()
  engine.leave()
  expect((await ask('DELETE', `${strays}/${container}`, asRoot)).statusCode).toBe(200)
  expect(engine.containers.has(container)).toBe(true)
  engine.comeBack()
  await expect.poll(() => engine.containers.has(container)).toBe(false) // with the next inventory
  expect([...engine.containers.values()].map(({ workspaceId }) => workspaceId)).toEqual([id])
})

test('a container of a workspace cannot be removed as a stray', async () => {
  const { ask, engine, id } = await openWithStray()
  const [own] = [...engine.containers.values()].filter(({ workspaceId }) => workspaceId === id)
  const refused = await ask('DELETE', `${strays}/${own?.containerId}`, asRoot)
  expect([refused.statusCode, refused.json().code]).toEqual([404, 'stray-not-found'])
  expect(engine.containers.has(own?.containerId ?? '')).toBe(true)
})

const exited = { kind: 'exited', exit: { code: 0, outOfMemory: false, withEngine: false } } as const
const labelled = { owner: 'bob', name: 'lost', template: 'nodejs' }

test('a container that is adopted is the workspace again that its labels tell of, and its files stay', async () => {
  const { ask, container, engine, until, workspace } = await openWithStray(labelled, exited)
  const adopted = await ask('POST', `${strays}/${container}/adopt`, asRoot)
  expect(adopted.json()).toMatchObject({ id: workspace, ...labelled, status: 'creating', provider_id: container })
  const up = await until(workspace, ({ status }) => status === 'running')
  expect(up).toMatchObject({ provider_id: container, can: ['stop', 'restart', 'amend', 'delete'] })
  expect(engine.containers.get(container)?.ran).toEqual([]) // the template's commands for a new container
  expect((await ask('GET', strays, asRoot)).json()).toEqual([])
  const mine = await ask('GET', `/api/v1/workspaces/${workspace}/history`, { headers: { 'x-user': 'bob' } })
  expect(mine.json()[0]).toMatchObject({ event: 'adopt', from: null, to: 'creating.queued', by: 'user:root' })
  expect((await ask('GET', `/api/v1/workspaces/${workspace}`)).statusCode).toBe(404) // alice's it is not
  const again = await ask('POST', `${strays}/${container}/adopt`, asRoot)
  expect([again.statusCode, again.json().code]).toEqual([404, 'stray-not-found'])
})

test('a container that tells too little is adopted once the request says the rest', async () => {
  const { ask, container, until, workspace } = await openWithStray({ name: 'not a name', owner: 'a,b' })
  const adopt = (body: object) => ask('POST', `${strays}/${container}/adopt`, { ...asRoot, body })
  const refused = await adopt({})
  expect([refused.statusCode, refused.json().details.map(({ field }: { field: string }) => field)]).toEqual([
    400,
    ['owner', 'name', 'template'],
  ])
  const rest = { owner: 'carol', name: 'found', template: 'base' }
  for (const [wrong, code] of [
    [{ ...rest, template: 'gone' }, 'unknown-template'],
    [{ ...rest, name: '-' }, 'invalid'],
    [{ ...rest, owner: 'a,b' }, 'invalid'],
  ] as const) {
    const answer = await adopt(wrong)
    expect([answer.statusCode, answer.json().code]).toEqual([400, code])
  }
  expect((await adopt(rest)).json()).toMatchObject({ id: workspace, ...rest })
  await until(workspace, ({ status }) => status === 'running')
})

test('a name that is taken meanwhile is refused, and another one is taken; the owner stays who it was', async () => {
  const { ask, container, make, workspace } = await openWithStray(labelled, exited)
  await make({ name: 'lost' }, { 'x-user': 'bob' })
  const adopt = (body: object) => ask('POST', `${strays}/${container}/adopt`, { ...asRoot, body })
  const taken = await adopt({})
  expect([taken.statusCode, taken.json().code]).toEqual([409, 'name-taken'])
  const given = await adopt({ name: 'found', owner: 'alice' })
  expect([given.statusCode, given.json().code]).toEqual([400, 'invalid'])
  expect((await ask('GET', strays, asRoot)).json()).toMatchObject([{ container_id: container, ...labelled }])
  expect((await adopt({ name: 'found' })).json()).toMatchObject({ id: workspace, owner: 'bob', name: 'found' })
})

test('to anybody else there is nothing here', async () => {
  const { ask, container, count, engine } = await openWithStray()
  const lines = count('journal')
  for (const [method, path] of [
    ['GET', strays],
    ['DELETE', `${strays}/${container}`],
    ['POST', `${strays}/${container}/adopt`],
  ] as const) {
    const refused = await ask(method, path)
    expect([refused.statusCode, refused.json().code]).toEqual([404, 'route-not-found'])
  }
  expect([engine.containers.has(container), count('journal')]).toEqual([true, lines])
})
