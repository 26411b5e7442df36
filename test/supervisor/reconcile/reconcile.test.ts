import { copyFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { settle } from '../simulated-clock.ts'
import { newWorkspaceId } from '../../../src/workspace/id.ts'
import { containerOf, whileDisconnected, runningWorkspace } from './engine-changes.ts'
import type { RunningService } from './engine-changes.ts'
import {
  eventually,
  containersOf,
  contextOf,
  createGate,
  createdId,
  newDatabasePath,
  startTestService,
  startServiceOn,
} from '../test-service.ts'

/** Waits for a complete inventory. The first one may have begun before this call, the second one sees everything. */
async function inventory(service: Pick<RunningService, 'engine'>) {
  const count = () => service.engine.calls.filter(({ verb }) => verb === 'list').length
  const before = count()
  await eventually(() => count() > before + 2, true)
}

describe('law 8: reconciliation', () => {
  it('changes made while the service was down are found at the next start', async () => {
    const service = await startTestService()
    const removed = await runningWorkspace(service, 'removed')
    const down = await runningWorkspace(service, 'down')
    const ended = await runningWorkspace(service, 'ended')
    await service.close()
    service.engine.removeByHand(containerOf(service, removed))
    service.engine.exitContainer(containerOf(service, down), { wentDownWithEngine: true })
    service.engine.exitContainer(containerOf(service, ended), { code: 9 })
    const next = startServiceOn(service.path, service.engine)
    await eventually(() => [removed, down, ended].map(next.state), ['stopped.idle', 'running.up', 'stopped.idle'])
  })

  it('a stopped workspace whose container is started by hand becomes running', async () => {
    const service = await startTestService()
    const id = await runningWorkspace(service)
    await service.send(id, { type: 'stop' })
    await eventually(() => service.state(id), 'stopped.idle')
    const container = containerOf(service, id)
    const provider = service.engine.provider()
    const context = contextOf(service.find(id))
    await provider.boot({ ...context, containerId: container }, new AbortController().signal)
    await whileDisconnected(service, () => undefined)
    await eventually(() => service.state(id), 'running.up')
    expect(contextOf(service.find(id)).connection).not.toBeNull()
  })

  it('a change found by two inventories before it is on disk causes one transition', async () => {
    const heldCommits: (() => void)[] = []
    let isHeld = false
    const service = await startTestService({
      scheduleCommit: (run) => (isHeld ? void heldCommits.push(run) : void setImmediate(run)),
    })
    const id = await runningWorkspace(service)
    await service.send(id, { type: 'stop' })
    await eventually(() => service.state(id), 'stopped.idle')
    const context = contextOf(service.find(id))
    await service.engine.provider().boot(context, new AbortController().signal)
    isHeld = true
    await whileDisconnected(service, () => undefined)
    await eventually(() => heldCommits.length, 1)
    const lists = () => service.engine.calls.filter(({ verb }) => verb === 'list').length
    const before = lists()
    await whileDisconnected(service, () => undefined)
    await eventually(() => lists() > before, true)
    await settle()
    isHeld = false
    for (const commit of heldCommits) commit()
    await eventually(() => service.state(id), 'running.up')
    expect(service.lines(id).filter(({ event }) => event === 'appeared')).toHaveLength(1)
  })

  it('a leftover container of a deleted workspace is removed, with a warning', async () => {
    const service = await startTestService({ janitorIntervalMs: 20 })
    const id = await runningWorkspace(service)
    await service.send(id, { type: 'delete' })
    await eventually(() => service.state(id), 'not-found')
    const containerId = service.engine.placeContainer(id)
    await eventually(() => service.engine.containers.size, 0)
    expect(service.engine.calls.findLast(({ verb }) => verb === 'remove')).toMatchObject({ containerId })
    expect(service.logged.some(({ level, message }) => level === 'warn' && message.includes('left behind'))).toBe(true)
  })

  it('an unknown container is listed as an orphan and left alone', async () => {
    const service = await startTestService({ janitorIntervalMs: 20 })
    const unknownId = newWorkspaceId()
    const containerId = service.engine.placeContainer(unknownId)
    await eventually(() => service.supervisor.orphans().map((found) => found.containerId), [containerId])
    await inventory(service)
    expect(service.engine.containers.has(containerId)).toBe(true)
    expect(service.engine.calls.filter(({ verb }) => verb === 'remove')).toEqual([])
    expect(service.logged.filter(({ message }) => message.includes('no known workspace'))).toHaveLength(1)
  })

  it('restoring an older database deletes no container', async () => {
    const service = await startTestService()
    const old = await runningWorkspace(service, 'old')
    await service.close()
    const older = newDatabasePath()
    copyFileSync(service.path, older)
    const between = startServiceOn(service.path, service.engine)
    await between.supervisor.rehydrated
    const newer = createdId(await between.create('newer'))
    await eventually(() => between.state(newer), 'running.up')
    await between.send(old, { type: 'delete' })
    await eventually(() => between.state(old), 'not-found')
    await between.close()
    const restored = startServiceOn(older, service.engine, { janitorIntervalMs: 20 })
    await eventually(() => restored.state(old), 'stopped.idle') // its container is missing, and the reason says so
    await inventory(service)
    expect(containersOf(service.engine, newer)).toHaveLength(1)
    expect(restored.supervisor.orphans()).toHaveLength(1)
  })

  it('an inventory that fails changes nothing', async () => {
    const service = await startTestService({ janitorIntervalMs: 20 })
    const id = await runningWorkspace(service)
    service.engine.before('list', () => ({ kind: 'transient', message: 'cut short' }))
    service.engine.before('inspect', () => ({ kind: 'transient', message: 'cut short' }))
    const unknownId = newWorkspaceId()
    service.engine.placeContainer(unknownId)
    service.engine.removeByHand(containerOf(service, id))
    await inventory(service)
    expect(service.state(id)).toBe('running.up')
    expect(service.supervisor.orphans()).toEqual([])
    expect(service.logged.some(({ message }) => message.includes('nothing is reconciled'))).toBe(true)
  })

  it('an inventory older than a workspace or its last command does not change the workspace', async () => {
    const service = await startTestService({ janitorIntervalMs: 20 })
    const stopped = await runningWorkspace(service, 'stopped')
    const removed = await runningWorkspace(service, 'removed')
    const answer = createGate()
    let lists = 0
    // The engine builds the list now and delivers it late.
    const off = service.engine.after('list', () => {
      lists += 1
      return answer.opened
    })
    await eventually(() => lists, 1)
    const newer = await runningWorkspace(service, 'newer') // missing from the delayed list
    await service.send(stopped, { type: 'stop' }) // still running in the delayed list
    await service.send(removed, { type: 'delete' })
    await eventually(() => [stopped, removed].map(service.state), ['stopped.idle', 'not-found'])
    off()
    answer.open()
    await inventory(service)
    expect([stopped, newer].map(service.state)).toEqual(['stopped.idle', 'running.up'])
    expect(service.stateTrail(newer).filter((state) => state === 'stopped.idle')).toEqual([])
    expect(service.stateTrail(stopped).filter((state) => state === 'running.up')).toHaveLength(1)
    expect(service.logged.filter(({ message }) => message.includes('left behind'))).toEqual([])
  })

  it('a notice about a busy workspace is followed up when the workspace settles', async () => {
    const service = await startTestService()
    const setup = createGate()
    service.engine.before('setup', () => setup.opened)
    service.engine.after('setup', ({ workspaceId }) => {
      const [container] = workspaceId ? containersOf(service.engine, workspaceId) : []
      if (container) service.engine.exitContainer(container.containerId, { code: 4 })
      return undefined
    })
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'creating.setup')
    setup.open()
    await eventually(() => service.state(id), 'stopped.idle')
    expect(contextOf(service.find(id)).reason).toMatch(/exit code 4/)
  })

  it('a reconnect during an inventory causes another inventory', async () => {
    const service = await startTestService()
    const id = await runningWorkspace(service)
    const answer = createGate()
    let lists = 0
    const off = service.engine.after('list', () => {
      lists += 1
      return answer.opened
    })
    await whileDisconnected(service, () => undefined)
    await eventually(() => lists, 1)
    await whileDisconnected(service, () => service.engine.removeByHand(containerOf(service, id)))
    off()
    answer.open()
    await eventually(() => service.state(id), 'stopped.idle')
  })

  it('two installations on one engine never touch each other’s containers', async () => {
    const service = await startTestService({ janitorIntervalMs: 20 })
    const other = startServiceOn(newDatabasePath(), service.engine, {
      installation: 'elsewhere',
      janitorIntervalMs: 20,
    })
    await other.supervisor.rehydrated
    const ownContainer = await runningWorkspace(service)
    const otherContainer = createdId(await other.create('a'))
    await eventually(() => other.state(otherContainer), 'running.up')
    await inventory(service)
    expect([service.supervisor.orphans(), other.supervisor.orphans()]).toEqual([[], []])
    await service.send(ownContainer, { type: 'delete' })
    await eventually(() => service.state(ownContainer), 'not-found')
    await inventory(service)
    expect(other.state(otherContainer)).toBe('running.up')
    expect([...service.engine.containers.values()].map(({ workspaceId }) => workspaceId)).toEqual([otherContainer])
  })

  it('a provider that throws in list or inspect does not stop the service', async () => {
    const service = await startTestService({
      janitorIntervalMs: 20,
      providers: (engine) => [
        {
          ...engine.provider(),
          list: () => Promise.reject(new Error('a bug')),
          inspect: () => Promise.reject(new Error('a bug')),
        },
      ],
    })
    const id = await runningWorkspace(service)
    service.engine.exitContainer(containerOf(service, id))
    await eventually(() => service.errors().length > 3, true)
    expect(await service.send(id, { type: 'update', name: 'b' })).toMatchObject({ kind: 'accepted' })
  })

  it('the exit of a container that is being deleted causes no inspect', async () => {
    const service = await startTestService()
    const id = await runningWorkspace(service)
    await eventually(() => service.engine.calls.filter(({ verb }) => verb === 'list').length > 0, true)
    const before = service.engine.calls.length
    await service.send(id, { type: 'delete' }) // the fake sends a notice of the exit
    await eventually(() => service.state(id), 'not-found')
    expect(service.engine.calls.slice(before).map(({ verb }) => verb)).toEqual(['remove'])
  })
})
