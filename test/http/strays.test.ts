import { expect, test } from 'vitest'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { openWorld } from './world.ts'

const strays = '/api/v1/strays'
const asRoot = { headers: { 'x-user': 'root' } }

/** A world whose engine has a container that nobody ever heard of, and one of a workspace. */
async function openWithStray() {
  const world = await openWorld()
  const { id } = await world.make()
  await world.until(id, ({ status }) => status === 'running')
  const workspace = newWorkspaceId()
  const container = world.engine.place(workspace, undefined, 'here')
  world.engine.leave()
  world.engine.comeBack() // and with the reconnect comes an inventory
  await expect.poll(() => world.supervisor.strays().length).toBe(1) // it is not told when that is done
  return { ...world, id, workspace, container }
}

test('an operator sees containers without a workspace, and removes one; who did it is written down', async () => {
  const { ask, container, engine, id, workspace } = await openWithStray()
  const list = (await ask('GET', strays, asRoot)).json()
  expect(list).toEqual([{ container_id: container, workspace, state: 'made' }])
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

test('to anybody else there is nothing here', async () => {
  const { ask, container, count, engine } = await openWithStray()
  const lines = count('journal')
  for (const [method, path] of [
    ['GET', strays],
    ['DELETE', `${strays}/${container}`],
  ] as const) {
    const refused = await ask(method, path)
    expect([refused.statusCode, refused.json().code]).toEqual([404, 'route-not-found'])
  }
  expect([engine.containers.has(container), count('journal')]).toEqual([true, lines])
})
