import { describe, expect, it } from 'vitest'
import { quiet, simulatedClock } from './simulated-clock.ts'
import { contextOf, idOf, start, startOn } from './world.ts'

const minute = 60_000

/** A world in which time passes when the test says so. */
async function still() {
  const clock = simulatedClock()
  const world = await start({ clock, provisionerIntervalMs: 5000 })
  await quiet()
  return { ...world, clock }
}

function reasonOf(world: Awaited<ReturnType<typeof still>>, id: Parameters<typeof world.look>[0]) {
  return contextOf(world.look(id)).reason
}

describe('law 5: no dead ends', () => {
  it.each([
    ['image', 3],
    ['container', 5],
    ['boot', 5],
    ['setup', 5],
  ] as const)('the step %s is given up after %i tries, with the reason', async (verb, most) => {
    const world = await still()
    world.engine.before(verb, () => ({ again: 'later', message: 'registry on fire' }))
    const id = idOf(await world.create('a'))
    await world.clock.pass(5 * minute)
    expect(world.state(id)).toBe('failed')
    expect(world.engine.calls.filter((call) => call.verb === verb)).toHaveLength(most)
    expect(reasonOf(world, id)).toMatch(
      new RegExp(`step "${verb}" after ${most} tries: registry on fire.*may help`, 's'),
    )
    expect(world.supervisor.queue()).toEqual({ queued: 0, working: 0 })
  })

  it('a fault that trying again does not mend ends it after one try', async () => {
    const world = await still()
    world.engine.before('image', () => ({ again: 'never', message: 'no such image: base:1' }))
    const id = idOf(await world.create('a'))
    await quiet()
    expect(world.state(id)).toBe('failed')
    expect(world.engine.calls.filter((call) => call.verb === 'image')).toHaveLength(1)
    expect(reasonOf(world, id)).toMatch(/step "image" after 1 try: no such image: base:1.*will not help/s)
  })

  it('pauses between tries grow', async () => {
    const world = await still()
    const at: number[] = []
    world.engine.before('boot', () => {
      at.push(world.clock.now())
      return { again: 'later', message: 'not now' }
    })
    await world.create('a')
    await world.clock.pass(5 * minute)
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0))
    expect(pauses).toEqual([1000, 2000, 4000, 8000])
  })

  it('waiting for an engine that is away spends no try, and ends in failed after 30 minutes', async () => {
    const world = await still()
    world.engine.leave()
    const id = idOf(await world.create('a'))
    await world.clock.pass(29 * minute)
    expect(world.state(id)).toMatch(/^creating/)
    expect(contextOf(world.look(id)).tries).toBe(0)
    await world.clock.pass(2 * minute)
    expect(world.state(id)).toBe('failed')
    expect(reasonOf(world, id)).toMatch(/No success in time.*step "image".*fake engine is away/s)
    world.engine.comeBack()
    await world.tell(id, { type: 'start' })
    await quiet()
    expect(world.state(id)).toBe('running.up')
  })

  it('a create goes on at once when the engine is back', async () => {
    const world = await still()
    world.engine.leave()
    const id = idOf(await world.create('a'))
    await world.clock.pass(10 * minute + 1)
    world.engine.comeBack()
    await quiet()
    expect(world.state(id)).toBe('running.up')
  })

  it('an engine that comes and goes for hours does not keep a create from ending', async () => {
    const world = await still()
    world.engine.before('boot', () => ({ again: 'away', message: 'gone again' }))
    const id = idOf(await world.create('a'))
    for (let round = 0; round < 20; round += 1) {
      world.engine.leave()
      await world.clock.pass(minute)
      world.engine.comeBack()
      await world.clock.pass(minute)
    }
    expect(world.state(id)).toBe('failed')
  })

  it('a step that hangs for ever ends at the deadline, and holds no slot', async () => {
    const world = await still()
    world.engine.before('boot', () => new Promise(() => undefined))
    const id = idOf(await world.create('a'))
    await world.clock.pass(31 * minute)
    expect(world.state(id)).toBe('failed')
    expect(world.supervisor.queue()).toEqual({ queued: 0, working: 0 })
  })

  it('a stop that hangs for ever ends at the deadline, with the workspace up and the reason', async () => {
    const world = await still()
    const id = idOf(await world.create('a'))
    await quiet()
    world.engine.before('halt', () => new Promise(() => undefined))
    await world.tell(id, { type: 'stop' })
    await world.clock.pass(31 * minute)
    expect(world.state(id)).toBe('running.up')
    expect(reasonOf(world, id)).toMatch(/could not be stopped/)
  })

  it('a create that was cut off by a long downtime has a fair chance', async () => {
    const world = await still()
    world.engine.leave()
    const id = idOf(await world.create('a'))
    await quiet()
    await world.close()
    world.clock.jump(7 * 24 * 60 * minute)
    const next = startOn(world.path, world.engine, { clock: world.clock, provisionerIntervalMs: 5000 })
    await world.clock.pass(4 * minute)
    expect(next.state(id)).toMatch(/^creating/)
    world.engine.comeBack()
    await world.clock.pass(6000)
    expect(next.state(id)).toBe('running.up')
  })

  it('a provider that throws in a step is a step that failed', async () => {
    const clock = simulatedClock()
    let throws = true
    const world = await start({
      clock,
      providers: (engine) => {
        const real = engine.provider()
        const boot: typeof real.boot = (subject, signal) => {
          if (throws) throw new Error('a bug in the provider')
          return real.boot(subject, signal)
        }
        return [{ ...real, boot }]
      },
    })
    const id = idOf(await world.create('a'))
    await quiet()
    expect(world.state(id)).toBe('creating.waiting')
    expect(contextOf(world.look(id)).reason).toMatch(/vm-api itself failed: a bug in the provider/)
    expect(world.errors()).toContain('an effect threw: this is a bug in vm-api')
    throws = false
    await clock.pass(2000)
    expect(world.state(id)).toBe('running.up')
  })

  it('a delete is tried for ever, at most a minute apart, and warned of after ten tries', async () => {
    const world = await still()
    const id = idOf(await world.create('a'))
    await quiet()
    const off = world.engine.before('remove', () => ({ again: 'later', message: 'device busy' }))
    await world.tell(id, { type: 'delete' })
    await world.clock.pass(60 * minute)
    const tries = world.engine.calls.filter(({ verb }) => verb === 'remove').length
    expect(tries).toBeGreaterThan(60)
    expect(world.state(id)).toBe('deleting.waiting')
    const warned = world.logged.filter(({ message }) => message.includes('cannot be removed'))
    expect(warned.length).toBe(Math.floor(tries / 10))
    expect(warned[0]?.fields).toMatchObject({ workspace: id, reason: expect.stringContaining('device busy') })
    off()
    await world.clock.pass(minute)
    expect(world.state(id)).toBe('gone')
  })
})
