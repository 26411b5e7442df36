import { describe, expect, it } from 'vitest'
import { settle, simulatedClock } from './simulated-clock.ts'
import { contextOf, createdId, startTestService, startServiceOn } from './test-service.ts'

const minute = 60_000

/** A service on a simulated clock. */
async function startOnSimulatedClock() {
  const clock = simulatedClock()
  const service = await startTestService({ clock, provisionerIntervalMs: 5000 })
  await settle()
  return { ...service, clock }
}

function reasonOf(service: Awaited<ReturnType<typeof startOnSimulatedClock>>, id: Parameters<typeof service.find>[0]) {
  return contextOf(service.find(id)).reason
}

describe('law 5: no dead ends', () => {
  it.each([
    ['image', 3],
    ['container', 5],
    ['boot', 5],
    ['setup', 5],
  ] as const)('the step %s fails after %i attempts, with the reason', async (verb, maxAttempts) => {
    const service = await startOnSimulatedClock()
    service.engine.before(verb, () => ({ kind: 'transient', message: 'registry on fire' }))
    const id = createdId(await service.create('a'))
    await service.clock.advance(5 * minute)
    expect(service.state(id)).toBe('failed')
    expect(service.engine.calls.filter((call) => call.verb === verb)).toHaveLength(maxAttempts)
    expect(reasonOf(service, id)).toMatch(
      new RegExp(`step "${verb}" after ${maxAttempts} attempts: registry on fire.*may help`, 's'),
    )
    expect(service.supervisor.queue()).toEqual({ queued: 0, working: 0 })
  })

  it('a permanent fault fails the create after one attempt', async () => {
    const service = await startOnSimulatedClock()
    service.engine.before('image', () => ({ kind: 'permanent', message: 'no such image: base:1' }))
    const id = createdId(await service.create('a'))
    await settle()
    expect(service.state(id)).toBe('failed')
    expect(service.engine.calls.filter((call) => call.verb === 'image')).toHaveLength(1)
    expect(reasonOf(service, id)).toMatch(/step "image" after 1 attempt: no such image: base:1.*will not help/s)
  })

  it('pauses between attempts grow', async () => {
    const service = await startOnSimulatedClock()
    const at: number[] = []
    service.engine.before('boot', () => {
      at.push(service.clock.now())
      return { kind: 'transient', message: 'not now' }
    })
    await service.create('a')
    await service.clock.advance(5 * minute)
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0))
    expect(pauses).toEqual([1000, 2000, 4000, 8000])
  })

  it('waiting for an unavailable engine uses no attempt and fails after 30 minutes', async () => {
    const service = await startOnSimulatedClock()
    service.engine.disconnect()
    const id = createdId(await service.create('a'))
    await service.clock.advance(29 * minute)
    expect(service.state(id)).toMatch(/^creating/)
    expect(contextOf(service.find(id)).attempts).toBe(0)
    await service.clock.advance(2 * minute)
    expect(service.state(id)).toBe('failed')
    expect(reasonOf(service, id)).toMatch(/No success in time.*step "image".*fake engine is disconnected/s)
    service.engine.reconnect()
    await service.send(id, { type: 'start' })
    await settle()
    expect(service.state(id)).toBe('running.up')
  })

  it('a create continues as soon as the engine is available again', async () => {
    const service = await startOnSimulatedClock()
    service.engine.disconnect()
    const id = createdId(await service.create('a'))
    await service.clock.advance(10 * minute + 1)
    service.engine.reconnect()
    await settle()
    expect(service.state(id)).toBe('running.up')
  })

  it('a create ends at its deadline even if the engine keeps disconnecting and reconnecting', async () => {
    const service = await startOnSimulatedClock()
    service.engine.before('boot', () => ({ kind: 'unavailable', message: 'gone again' }))
    const id = createdId(await service.create('a'))
    for (let round = 0; round < 20; round += 1) {
      service.engine.disconnect()
      await service.clock.advance(minute)
      service.engine.reconnect()
      await service.clock.advance(minute)
    }
    expect(service.state(id)).toBe('failed')
  })

  it('a step that hangs ends at the deadline and releases its slot', async () => {
    const service = await startOnSimulatedClock()
    service.engine.before('boot', () => new Promise(() => undefined))
    const id = createdId(await service.create('a'))
    await service.clock.advance(31 * minute)
    expect(service.state(id)).toBe('failed')
    expect(service.supervisor.queue()).toEqual({ queued: 0, working: 0 })
  })

  it('a stop that hangs ends at the deadline, with the workspace running and a reason', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a'))
    await settle()
    service.engine.before('stop', () => new Promise(() => undefined))
    await service.send(id, { type: 'stop' })
    await service.clock.advance(31 * minute)
    expect(service.state(id)).toBe('running.up')
    expect(reasonOf(service, id)).toMatch(/could not be stopped/)
  })

  it('a create interrupted by a long downtime gets a few more minutes', async () => {
    const service = await startOnSimulatedClock()
    service.engine.disconnect()
    const id = createdId(await service.create('a'))
    await settle()
    await service.close()
    service.clock.setWallClock(7 * 24 * 60 * minute)
    const next = startServiceOn(service.path, service.engine, { clock: service.clock, provisionerIntervalMs: 5000 })
    await service.clock.advance(4 * minute)
    expect(next.state(id)).toMatch(/^creating/)
    service.engine.reconnect()
    await service.clock.advance(6000)
    expect(next.state(id)).toBe('running.up')
  })

  it('an exception in a provider counts as a failed attempt of the step', async () => {
    const clock = simulatedClock()
    let throws = true
    const service = await startTestService({
      clock,
      providers: (engine) => {
        const real = engine.provider()
        const boot: typeof real.boot = (workspace, signal) => {
          if (throws) throw new Error('a bug in the provider')
          return real.boot(workspace, signal)
        }
        return [{ ...real, boot }]
      },
    })
    const id = createdId(await service.create('a'))
    await settle()
    expect(service.state(id)).toBe('creating.waiting')
    expect(contextOf(service.find(id)).reason).toMatch(/vm-api itself failed: a bug in the provider/)
    expect(service.errors()).toContain('an effect threw: this is a bug in vm-api')
    throws = false
    await clock.advance(2000)
    expect(service.state(id)).toBe('running.up')
  })

  it('a delete is retried until it succeeds, at least once a minute, with a warning every ten attempts', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a'))
    await settle()
    const off = service.engine.before('remove', () => ({ kind: 'transient', message: 'device busy' }))
    await service.send(id, { type: 'delete' })
    await service.clock.advance(60 * minute)
    const attempts = service.engine.calls.filter(({ verb }) => verb === 'remove').length
    expect(attempts).toBeGreaterThan(60)
    expect(service.state(id)).toBe('deleting.waiting')
    const warned = service.logged.filter(({ message }) => message.includes('cannot be removed'))
    expect(warned.length).toBe(Math.floor(attempts / 10))
    expect(warned[0]?.fields).toMatchObject({ workspace: id, reason: expect.stringContaining('device busy') })
    off()
    await service.clock.advance(minute)
    expect(service.state(id)).toBe('not-found')
  })
})
