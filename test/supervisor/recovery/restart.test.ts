import { describe, expect, it } from 'vitest'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { ProviderVerb } from '../../provider/fake/fake-provider.ts'
import {
  ann,
  eventually,
  containersOf,
  contextOf,
  createGate,
  createdId,
  startTestService,
  startServiceOn,
} from '../test-service.ts'

type RunningService = Awaited<ReturnType<typeof startTestService>>

interface InterruptedStep {
  readonly verb: ProviderVerb
  /** The state in which the service ends. */
  readonly state: string
  /** Brings the workspace to that state; a create needs nothing. */
  readonly from?: (service: RunningService, id: WorkspaceId) => Promise<unknown>
  readonly finalState: string
}

const stop = async (service: RunningService, id: WorkspaceId) => {
  await service.send(id, { type: 'stop' })
  await eventually(() => service.state(id), 'stopped.idle')
}

const interruptedSteps: Readonly<Record<string, InterruptedStep>> = {
  'image step of a create': { verb: 'image', state: 'creating.image', finalState: 'running.up' },
  'container step of a create': { verb: 'container', state: 'creating.container', finalState: 'running.up' },
  'boot step of a create': { verb: 'boot', state: 'creating.boot', finalState: 'running.up' },
  'setup step of a create': { verb: 'setup', state: 'creating.setup', finalState: 'running.up' },
  'stop step of a stop': {
    verb: 'stop',
    state: 'running.stopping.halting',
    from: (service, id) => service.send(id, { type: 'stop' }),
    finalState: 'stopped.idle',
  },
  'stop step of a restart': {
    verb: 'stop',
    state: 'running.restarting.halting',
    from: (service, id) => service.send(id, { type: 'restart' }),
    finalState: 'running.up',
  },
  'boot step of a start': {
    verb: 'boot',
    state: 'stopped.starting.boot',
    from: (service, id) => service.send(id, { type: 'start' }),
    finalState: 'running.up',
  },
  'setup step of a start': {
    verb: 'setup',
    state: 'stopped.starting.setup',
    from: (service, id) => service.send(id, { type: 'start' }),
    finalState: 'running.up',
  },
  'remove step of a delete': {
    verb: 'remove',
    state: 'deleting.destroying',
    from: (service, id) => service.send(id, { type: 'delete' }),
    finalState: 'not-found',
  },
}

const ways = ['close', 'kill'] as const
const sides = ['before', 'after'] as const
const cases = ways.flatMap((way) =>
  sides.flatMap((side) => Object.keys(interruptedSteps).map((stepName) => [way, side, stepName] as const)),
)

describe('law 12: stopping the service is not an event in a workspace’s life', () => {
  it.each(cases)(
    'after a %s of the service %s the engine finished the %s, the next start completes it',
    async (way, side, stepName) => {
      const interruptedStep = interruptedSteps[stepName]
      if (!interruptedStep) throw new Error(`unknown step ${stepName}`)
      const service = await startTestService()
      const neighbour = createdId(await service.create('neighbour'))
      await eventually(() => service.state(neighbour), 'running.up')
      const never = () => new Promise<undefined>(() => undefined)
      let id: WorkspaceId
      let removeHook = () => undefined as void
      let pendingCall = false
      const hold = () =>
        service.engine[side](interruptedStep.verb, () => {
          pendingCall = true
          return never()
        })
      if (interruptedStep.from) {
        id = createdId(await service.create('a'))
        await eventually(() => service.state(id), 'running.up')
        if (interruptedStep.state.startsWith('stopped')) await stop(service, id)
        removeHook = hold()
        await interruptedStep.from(service, id)
      } else {
        removeHook = hold()
        id = createdId(await service.create('a'))
      }
      await eventually(() => [service.state(id), pendingCall], [interruptedStep.state, true])
      await service[way]()
      removeHook()
      const trail = service.engine.calls.length
      const next = startServiceOn(service.path, service.engine, { provisionerIntervalMs: 60_000 }) // without help by a sweep
      await eventually(() => next.state(id), interruptedStep.finalState)
      expect(containersOf(service.engine, id)).toHaveLength(interruptedStep.finalState === 'not-found' ? 0 : 1)
      // The settled workspace is not affected.
      expect(next.state(neighbour)).toBe('running.up')
      expect(service.engine.calls.slice(trail).filter(({ workspaceId }) => workspaceId === neighbour)).toEqual([])
      const revisions = next.database.db
        .prepare<[string], number>('SELECT revision FROM journal WHERE workspace = ? ORDER BY seq')
        .pluck()
        .all(id)
      expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b))
    },
  )

  it('a close changes no row and no container, and makes no engine request', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a', ann, { ttlSeconds: 3600 }))
    await eventually(() => service.state(id), 'running.up')
    const expiresAt = contextOf(service.find(id)).expiresAt
    const before = {
      lines: service.lines(id),
      calls: service.engine.calls.length,
      containers: [...service.engine.containers.keys()],
    }
    await service.close()
    const next = startServiceOn(service.path, service.engine)
    await next.supervisor.rehydrated
    expect(next.state(id)).toBe('running.up')
    expect(contextOf(next.find(id)).expiresAt).toBe(expiresAt)
    expect(next.lines(id)).toEqual(before.lines)
    expect([...service.engine.containers.keys()]).toEqual(before.containers)
    expect(
      service.engine.calls
        .slice(before.calls)
        .map(({ verb }) => verb)
        .filter((verb) => verb !== 'list'),
    ).toEqual([])
  })

  it('a close while creates are in progress loses none of them', async () => {
    const service = await startTestService()
    const created = Promise.all(Array.from({ length: 20 }, (_, n) => service.create(`w${n}`)))
    await service.close()
    const ids = (await created).map(createdId)
    const next = startServiceOn(service.path, service.engine)
    for (const id of ids) await eventually(() => next.state(id), 'running.up')
    expect(service.engine.containers.size).toBe(20)
  })

  it('a close during rehydration and an inventory causes no error', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    await service.close()
    const rejected: unknown[] = []
    const onRejection = (reason: unknown) => void rejected.push(reason)
    process.on('unhandledRejection', onRejection)
    const list = createGate()
    service.engine.after('list', () => list.opened)
    service.engine.placeContainer(id) // a second container of the workspace, which nothing removes
    const next = startServiceOn(service.path, service.engine)
    await next.close()
    list.open()
    await new Promise((resolve) => setTimeout(resolve, 50)) // long enough for pending work to end
    process.off('unhandledRejection', onRejection)
    expect(rejected).toEqual([])
    expect(next.errors()).toEqual([])
  })

  it('a failed workspace keeps its reason across a restart and can be started', async () => {
    const service = await startTestService()
    service.engine.failNext('image', { kind: 'permanent', message: 'no such image' })
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'failed')
    const { reason } = contextOf(service.find(id))
    await service.close()
    const next = startServiceOn(service.path, service.engine)
    await next.supervisor.rehydrated
    expect(contextOf(next.find(id)).reason).toBe(reason)
    await next.send(id, { type: 'start' })
    await eventually(() => next.state(id), 'running.up')
  })
})
