import { describe, expect, it } from 'vitest'
import { containerOf, whileDisconnected, runningWorkspace } from './engine-changes.ts'
import type { RunningService } from './engine-changes.ts'
import { eventually, containersOf, contextOf, startTestService } from '../test-service.ts'

describe.each(['reported by a notice', 'found by an inventory'])('law 8: a change in the engine, %s', (source) => {
  const notice = async (service: RunningService, change: () => void) =>
    source === 'reported by a notice' ? change() : whileDisconnected(service, change)

  it('a container that exits by itself leaves its workspace stopped, with the exit code in the reason', async () => {
    const service = await startTestService()
    const id = await runningWorkspace(service)
    await notice(service, () => service.engine.exitContainer(containerOf(service, id), { code: 3 }))
    await eventually(() => service.state(id), 'stopped.idle')
    expect(contextOf(service.find(id)).reason).toMatch(/exit code 3/)
    await service.send(id, { type: 'start' })
    await eventually(() => service.state(id), 'running.up')
  })

  it('a container that runs out of memory leaves its workspace failed, with that reason', async () => {
    const service = await startTestService()
    const id = await runningWorkspace(service)
    await notice(service, () => service.engine.exitContainer(containerOf(service, id), { outOfMemory: true }))
    await eventually(() => service.state(id), 'failed')
    expect(contextOf(service.find(id)).reason).toMatch(/ran out of memory/)
  })

  it('a container that went down with its engine is restarted', async () => {
    const service = await startTestService()
    const id = await runningWorkspace(service)
    const container = containerOf(service, id)
    await notice(service, () => service.engine.exitContainer(container, { wentDownWithEngine: true }))
    await eventually(
      () => service.stateTrail(id).includes('stopped.starting.queued') && service.state(id) === 'running.up',
      true,
    )
    expect(containersOf(service.engine, id).map(({ containerId }) => containerId)).toEqual([container])
  })

  it('a container that is removed by hand leaves its workspace stopped, and the next start recreates it', async () => {
    const service = await startTestService()
    const id = await runningWorkspace(service)
    await notice(service, () => service.engine.removeByHand(containerOf(service, id)))
    await eventually(() => service.state(id), 'stopped.idle')
    expect(contextOf(service.find(id))).toMatchObject({
      containerId: null,
      reason: expect.stringMatching(/removed by someone else/),
    })
    await service.send(id, { type: 'start' })
    await eventually(() => service.state(id), 'running.up')
    expect(containersOf(service.engine, id)).toHaveLength(1)
  })
})
