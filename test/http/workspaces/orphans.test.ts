import { expect, test } from 'vitest'
import type { ContainerRecord } from '../../../src/workspace/container.ts'
import { newWorkspaceId } from '../../../src/workspace/id.ts'
import { openTestServer } from '../test-server.ts'

const orphansPath = '/api/v1/orphans'
const asRoot = { headers: { 'x-user': 'root' } }

/** A server whose engine has an orphan and a container of a workspace. */
async function openWithOrphan(
  labels: ContainerRecord['labels'] = {},
  state: ContainerRecord['state'] = { kind: 'created' },
) {
  const testServer = await openTestServer()
  const { id } = await testServer.createWorkspace()
  await testServer.waitFor(id, ({ status }) => status === 'running')
  const workspace = newWorkspaceId()
  const container = testServer.engine.placeContainer(workspace, state, 'here', labels)
  testServer.engine.disconnect()
  testServer.engine.reconnect() // a reconnect triggers a reconciliation
  await expect.poll(() => testServer.supervisor.orphans().length).toBe(1) // nothing announces its end
  return { ...testServer, id, workspace, container }
}

test('operators list and remove orphans, and the history names the operator', async () => {
  const { inject, container, engine, id, workspace } = await openWithOrphan()
  const list = (await inject('GET', orphansPath, asRoot)).json()
  expect(list).toEqual([{ container_id: container, provider: 'docker', workspace, state: 'created' }])
  const removed = await inject('DELETE', `${orphansPath}/${container}`, asRoot)
  expect([removed.statusCode, removed.json()]).toEqual([200, { message: 'Container removed' }])
  expect([...engine.containers.values()].map(({ workspaceId }) => workspaceId)).toEqual([id])
  expect((await inject('GET', orphansPath, asRoot)).json()).toEqual([])
  const history = (await inject('GET', `/api/v1/workspaces/${workspace}/history`, asRoot)).json()
  expect(history).toMatchObject([{ event: 'remove', from: null, to: 'deleted', by: 'user:root' }])
})

test('a removal while the engine is unavailable is completed when it is back', async () => {
  const { inject, container, engine, id } = await openWithOrphan()
  engine.disconnect()
  expect((await inject('DELETE', `${orphansPath}/${container}`, asRoot)).statusCode).toBe(200)
  expect(engine.containers.has(container)).toBe(true)
  engine.reconnect()
  await expect.poll(() => engine.containers.has(container)).toBe(false) // with the next reconciliation
  expect([...engine.containers.values()].map(({ workspaceId }) => workspaceId)).toEqual([id])
})

test('a container of a workspace cannot be removed as an orphan', async () => {
  const { inject, engine, id } = await openWithOrphan()
  const [own] = [...engine.containers.values()].filter(({ workspaceId }) => workspaceId === id)
  const refused = await inject('DELETE', `${orphansPath}/${own?.containerId}`, asRoot)
  expect([refused.statusCode, refused.json().code]).toEqual([404, 'orphan-not-found'])
  expect(engine.containers.has(own?.containerId ?? '')).toBe(true)
})

const exited = { kind: 'exited', exit: { code: 0, outOfMemory: false, wentDownWithEngine: false } } as const
const labels = { owner: 'bob', name: 'lost', template: 'nodejs' }

test('an adopted container becomes the workspace that its labels name, and keeps its files', async () => {
  const { inject, container, engine, waitFor, workspace } = await openWithOrphan(labels, exited)
  const adopted = await inject('POST', `${orphansPath}/${container}/adopt`, asRoot)
  expect(adopted.json()).toMatchObject({ id: workspace, ...labels, status: 'creating', provider_id: container })
  const up = await waitFor(workspace, ({ status }) => status === 'running')
  expect(up).toMatchObject({ provider_id: container, can: ['stop', 'restart', 'update', 'delete'] })
  expect(engine.containers.get(container)?.ran).toEqual([]) // commands for a new container do not run again
  expect((await inject('GET', orphansPath, asRoot)).json()).toEqual([])
  const ownHistory = await inject('GET', `/api/v1/workspaces/${workspace}/history`, { headers: { 'x-user': 'bob' } })
  expect(ownHistory.json()[0]).toMatchObject({ event: 'adopt', from: null, to: 'creating.queued', by: 'user:root' })
  expect((await inject('GET', `/api/v1/workspaces/${workspace}`)).statusCode).toBe(404) // it belongs to bob
  const again = await inject('POST', `${orphansPath}/${container}/adopt`, asRoot)
  expect([again.statusCode, again.json().code]).toEqual([404, 'orphan-not-found'])
})

test('a container without valid labels is adopted when the request supplies them', async () => {
  const { inject, container, waitFor, workspace } = await openWithOrphan({ name: 'not a name', owner: 'a,b' })
  const adopt = (body: object) => inject('POST', `${orphansPath}/${container}/adopt`, { ...asRoot, body })
  const refused = await adopt({})
  expect([refused.statusCode, refused.json().details.map(({ field }: { field: string }) => field)]).toEqual([
    400,
    ['owner', 'name', 'template'],
  ])
  const rest = { owner: 'carol', name: 'found', template: 'base' }
  for (const [wrong, code] of [
    [{ ...rest, template: 'unknown' }, 'unknown-template'],
    [{ ...rest, name: '-' }, 'invalid'],
    [{ ...rest, owner: 'a,b' }, 'invalid'],
  ] as const) {
    const response = await adopt(wrong)
    expect([response.statusCode, response.json().code]).toEqual([400, code])
  }
  expect((await adopt(rest)).json()).toMatchObject({ id: workspace, ...rest })
  await waitFor(workspace, ({ status }) => status === 'running')
})

test('adopting under a taken name is rejected, another name is accepted, and the owner cannot change', async () => {
  const { inject, container, createWorkspace, workspace } = await openWithOrphan(labels, exited)
  await createWorkspace({ name: 'lost' }, { 'x-user': 'bob' })
  const adopt = (body: object) => inject('POST', `${orphansPath}/${container}/adopt`, { ...asRoot, body })
  const taken = await adopt({})
  expect([taken.statusCode, taken.json().code]).toEqual([409, 'name-taken'])
  const otherOwner = await adopt({ name: 'found', owner: 'alice' })
  expect([otherOwner.statusCode, otherOwner.json().code]).toEqual([400, 'invalid'])
  expect((await inject('GET', orphansPath, asRoot)).json()).toMatchObject([{ container_id: container, ...labels }])
  expect((await adopt({ name: 'found' })).json()).toMatchObject({ id: workspace, owner: 'bob', name: 'found' })
})

test('operator routes do not exist for other users', async () => {
  const { inject, container, count, engine } = await openWithOrphan()
  const lines = count('journal')
  for (const [method, path] of [
    ['GET', orphansPath],
    ['DELETE', `${orphansPath}/${container}`],
    ['POST', `${orphansPath}/${container}/adopt`],
  ] as const) {
    const refused = await inject(method, path)
    expect([refused.statusCode, refused.json().code]).toEqual([404, 'route-not-found'])
  }
  expect([engine.containers.has(container), count('journal')]).toEqual([true, lines])
})
