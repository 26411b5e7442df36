import { describe, expect, it } from 'vitest'
import type { ProviderVerb } from '../provider/fake/fake-provider.ts'
import { settle, simulatedClock } from './simulated-clock.ts'
import {
  ann,
  eventually,
  containersOf,
  createGate,
  createdId,
  databaseReader,
  root,
  startTestService,
  startServiceOn,
} from './test-service.ts'

const steps = ['image', 'container', 'boot', 'setup'] as const satisfies ProviderVerb[]

describe('law 3: every effect may run twice', () => {
  it.each(steps)(
    'if the engine completes the step %s but answers 500, the step is retried and makes only one container',
    async (verb) => {
      const service = await startTestService()
      service.engine.failNext(verb, { kind: 'transient', message: 'engine says 500' }, { worked: true })
      const id = createdId(await service.create('a'))
      await eventually(() => service.state(id), 'running.up')
      expect(containersOf(service.engine, id)).toHaveLength(1)
      expect(service.lines(id).find(({ event }) => event === `${verb}.failed`)).toMatchObject({ attempts: 1 })
    },
  )
})

describe('law 4: delete is accepted in every state and always completes', () => {
  it.each(steps)('a workspace deleted during a slow %s step leaves no container', async (verb) => {
    const service = await startTestService()
    const slow = createGate()
    service.engine.before(verb, () => slow.opened)
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), `creating.${verb}`)
    expect(await service.send(id, { type: 'delete' })).toMatchObject({ kind: 'accepted' })
    expect(service.find(id)).toBeUndefined()
    expect(await service.create('a')).toMatchObject({ kind: 'created' }) // the name is available at once
    await eventually(() => service.state(id), 'not-found')
    slow.open()
    expect(containersOf(service.engine, id)).toEqual([])
    expect(databaseReader(service.path).row(id)).toBeUndefined()
    expect(service.stateTrail(id).at(-1)).toBe('deleted')
    expect(service.supervisor.history(id, ann, 0, 100)?.length).toBeGreaterThan(3)
  })

  it('a removal waits at most one minute for an aborted step that hangs', async () => {
    const clock = simulatedClock()
    const service = await startTestService({
      clock,
      provisionerIntervalMs: 600_000,
      providers: (engine) => [{ ...engine.provider(), image: () => new Promise(() => {}) }],
    })
    const id = createdId(await service.create('a'))
    await settle()
    expect(service.state(id)).toBe('creating.image')
    await service.send(id, { type: 'delete' })
    await clock.advance(59_999)
    expect(service.state(id)).toBe('deleting.destroying')
    await clock.advance(1)
    await settle()
    expect(service.state(id)).toBe('not-found')
  })

  it('a removal finds the container by its id even if its labels are lost', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    const [container] = containersOf(service.engine, id)
    service.engine.loseLabels(container?.containerId ?? '')
    await service.send(id, { type: 'delete' })
    await eventually(() => service.state(id), 'not-found')
    expect(containersOf(service.engine, id)).toEqual([])
  })

  it.each(steps)('a removal does not overtake an aborted %s step that ignores its signal', async (verb) => {
    const order: string[] = []
    const release = createGate()
    const service = await startTestService({
      providers: (engine) => {
        const real = engine.provider()
        // A provider that ignores its abort signal and does the work later.
        const neverAborted = new AbortController().signal
        const late = <T>(work: () => Promise<T>) =>
          release.opened.then(async () => {
            const outcome = await work()
            order.push(verb)
            return outcome
          })
        return [
          {
            ...real,
            ...(verb === 'image' && {
              image: (workspace, _, progress) => late(() => real.image(workspace, neverAborted, progress)),
            }),
            ...(verb === 'container' && {
              container: (workspace) => late(() => real.container(workspace, neverAborted)),
            }),
            ...(verb === 'boot' && { boot: (workspace) => late(() => real.boot(workspace, neverAborted)) }),
            ...(verb === 'setup' && {
              setup: (workspace, _, progress) => late(() => real.setup(workspace, neverAborted, progress)),
            }),
            remove: (id, containerId, signal) => {
              order.push('remove')
              return real.remove(id, containerId, signal)
            },
          } satisfies typeof real,
        ]
      },
    })
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), `creating.${verb}`)
    await service.send(id, { type: 'delete' })
    release.open()
    await eventually(() => service.state(id), 'not-found')
    expect(order).toEqual([verb, 'remove'])
    expect(containersOf(service.engine, id)).toEqual([])
  })

  it('a workspace can be deleted in every settled and every transient state', async () => {
    const service = await startTestService({ concurrency: 1 })
    const createWorkspace = async (name: string, template = 'base') =>
      createdId(await service.create(name, ann, { template }))
    const running = await createWorkspace('running')
    const stopped = await createWorkspace('stopped')
    const failed = await createWorkspace('failed', 'broken')
    await eventually(() => [running, stopped, failed].map(service.state), ['running.up', 'running.up', 'failed'])
    await service.send(stopped, { type: 'stop' })
    await eventually(() => service.state(stopped), 'stopped.idle')

    const slow = createGate()
    const off = [service.engine.before('stop', () => slow.opened), service.engine.before('boot', () => slow.opened)]
    const stopping = await createWorkspace('stopping')
    await eventually(() => service.state(stopping), 'creating.boot')
    off[1]?.()
    slow.open()
    await eventually(() => service.state(stopping), 'running.up')
    const holdSlot = createGate()
    service.engine.before('stop', () => holdSlot.opened)
    service.engine.before('boot', () => holdSlot.opened)
    await service.send(stopping, { type: 'stop' })
    await service.send(running, { type: 'restart' })
    await service.send(stopped, { type: 'start' }) // takes the only slot
    const queued = await createWorkspace('queued')
    await eventually(
      () => [running, stopped, failed, stopping, queued].map(service.state),
      ['running.restarting.halting', 'stopped.starting.boot', 'failed', 'running.stopping.halting', 'creating.queued'],
    )
    for (const id of [queued, stopping, running, stopped, failed])
      expect(await service.send(id, { type: 'delete' })).toMatchObject({ kind: 'accepted' })
    await eventually(() => service.supervisor.list({ owner: '*' }, root).workspaces.length, 0)
    expect(service.engine.containers.size).toBe(0)
    expect(service.supervisor.queue()).toEqual({ queued: 0, working: 0 })
  })

  it('a workspace that is rolled back and deleted before it resumes is removed once', async () => {
    const clock = simulatedClock()
    const service = await startTestService({ clock, provisionerIntervalMs: 5000 })
    const { db } = service.database
    const boot = createGate()
    service.engine.before('boot', () => boot.opened)
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'creating.boot')
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    boot.open()
    await eventually(() => service.errors().length, 1)
    db.exec('DROP TRIGGER refuse')
    const removal = createGate()
    service.engine.before('remove', () => removal.opened)
    await service.send(id, { type: 'delete' })
    await clock.advance(20_000) // sweeps that would have resumed it
    removal.open()
    await eventually(() => service.state(id), 'not-found')
    expect(service.engine.calls.filter(({ verb }) => verb === 'remove')).toHaveLength(1)
  })

  it('a workspace that waits for a retry can be deleted', async () => {
    const service = await startTestService()
    service.engine.before('boot', () => ({ kind: 'transient', message: 'not now' }))
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'creating.waiting')
    await service.send(id, { type: 'delete' })
    await eventually(() => service.state(id), 'not-found')
    expect(containersOf(service.engine, id)).toEqual([])
  })

  it('a delete while the engine is unavailable hides the workspace at once, survives a restart and completes when the engine returns', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    service.engine.disconnect()
    await service.send(id, { type: 'delete' })
    expect(service.find(id)).toBeUndefined()
    expect(await service.send(id, { type: 'start' })).toEqual({ kind: 'not-found' })
    await eventually(() => service.state(id), 'deleting.waiting')
    expect(service.supervisor.list({ owner: '*' }, root).workspaces).toHaveLength(1)
    expect(containersOf(service.engine, id)).toHaveLength(1)
    await service.close()
    const next = startServiceOn(service.path, service.engine)
    await next.supervisor.rehydrated
    expect(next.find(id)).toBeUndefined()
    await eventually(() => next.state(id), 'deleting.waiting')
    service.engine.reconnect()
    await eventually(() => next.state(id), 'not-found', 1500) // at once: its retry pause is longer by now
    expect(containersOf(service.engine, id)).toEqual([])
  })

  it('waiting for a delete ends when the workspace is removed or the timeout expires', async () => {
    const service = await startTestService()
    const quick = createdId(await service.create('quick'))
    const slow = createdId(await service.create('slow'))
    await eventually(() => [quick, slow].map(service.state), ['running.up', 'running.up'])
    await service.send(quick, { type: 'delete' })
    await service.supervisor.waitUntilDeleted(quick, 60_000)
    expect(service.state(quick)).toBe('not-found')
    const removal = createGate()
    service.engine.before('remove', () => removal.opened)
    await service.send(slow, { type: 'delete' })
    const startedAt = performance.now()
    await service.supervisor.waitUntilDeleted(slow, 100)
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(service.state(slow)).toBe('deleting.destroying')
    removal.open()
    await eventually(() => service.state(slow), 'not-found')
    await service.supervisor.waitUntilDeleted(slow, 60_000)
  })

  it('two simultaneous deletes are both answered without a conflict', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    const results = await Promise.all([service.send(id, { type: 'delete' }), service.send(id, { type: 'delete' })])
    expect(results.map(({ kind }) => kind)).toEqual(['accepted', 'not-found'])
  })
})
