import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Deadlines } from '../../src/provider/docker/deadlines.ts'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../src/provider/provider.ts'
import type { Outcome } from '../../src/workspace/fault.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { silentLog } from '../engine/silent-log.ts'
import { faultOf, made, newSubject, plainRecipe, unhurried, up, valueOf } from './bench.ts'
import { json, type PlayedEngine, playedEngine, refusal, silence } from './engine-played.ts'

const image = 'vm-test/base:latest'
const installation = randomUUID()
let engine: PlayedEngine

beforeEach(() => {
  engine = playedEngine(image)
  engine.server.listen({ onUnhandledRequest: 'error' })
})
afterEach(() => engine.server.close())

// Short ones, so that an engine that never answers is given up within a test's patience.
const short: Partial<Deadlines> = {
  ping: 100,
  read: 150,
  make: 150,
  stop: 150,
  remove: 400,
  look: 20,
}
function provider(deadlines: Partial<Deadlines> = {}): Provider {
  return dockerProvider({ installation, docker: engine.target, log: silentLog, deadlines })
}
const subjectOf = (partial = {}) => newSubject(plainRecipe({ image, ...partial }))

describe('A played engine that does not do as it is told', () => {
  it('a create that was answered 500 and done all the same is adopted by the next try', async () => {
    const subject = subjectOf()
    engine.afterwards('POST', /^\/containers\/create$/, () => refusal(500, 'context deadline exceeded'))
    expect(faultOf(await provider().container(subject, unhurried())).again).toBe('later')
    const [id] = engine.containersOf(subject.id)
    expect(valueOf(await provider().container(subject, unhurried())).containerId).toBe(id)
    expect(engine.containersOf(subject.id)).toEqual([id])
  })

  it('a name that a stranger has is said, with the container to remove, and the stranger is left alone', async () => {
    const subject = subjectOf()
    engine.instead('POST', /^\/containers\/create$/, () =>
      refusal(409, 'Conflict. The container name is already in use'),
    )
    engine.instead('GET', new RegExp(`^/containers/vm-api-${subject.id}/json$`), () =>
      json(200, { Id: 'f'.repeat(64), Config: { Labels: {} }, State: { Status: 'running' } }),
    )
    const fault = faultOf(await provider().container(subject, unhurried()))
    expect(fault.again).toBe('never')
    expect(fault.message).toContain(`docker rm vm-api-${subject.id}`)
    expect(engine.asked.filter((asked) => asked.startsWith('DELETE'))).toEqual([])
  })

  it('a name whose container cannot be looked at yet belongs to a create that is under way, and is adopted', async () => {
    const subject = await made(provider(), subjectOf())
    engine.instead(
      'GET',
      new RegExp(`^/containers/vm-api-${subject.id}/json$`),
      () => refusal(404, 'No such container'),
      3,
    )
    expect(valueOf(await provider().container(subject, unhurried())).containerId).toBe(subject.containerId)
  })

  it('a name whose container has just been removed may be asked for again', async () => {
    engine.instead('POST', /^\/containers\/create$/, () =>
      refusal(409, 'Conflict. The container name is already in use'),
    )
    expect(faultOf(await provider().container(subjectOf(), unhurried())).again).toBe('later')
  })

  it('an image that vanished before the create is named', async () => {
    const fault = faultOf(await provider().container(subjectOf({ image: 'acme/gone:1' }), unhurried()))
    expect(fault.again).toBe('never')
    expect(fault.message).toContain('acme/gone:1')
  })

  it('a removal that somebody else has begun is waited for', async () => {
    const subject = await made(provider(), subjectOf())
    engine.instead('DELETE', /^\/containers\//, () => refusal(409, 'removal of container is already in progress'), 2)
    valueOf(await provider({ look: 10 }).remove(subject.id, subject.containerId, unhurried()))
    expect(engine.containersOf(subject.id)).toEqual([])
  })

  it('a removal that never comes to its end is a fault within its deadline, not success', async () => {
    const subject = await made(provider(), subjectOf())
    engine.instead('DELETE', /^\/containers\//, () => refusal(409, 'removal of container is already in progress'), 1e6)
    expect(faultOf(await provider(short).remove(subject.id, subject.containerId, unhurried())).again).toBe('later')
  })

  it('a removal during a create waits for the create, so that nothing is left behind', async () => {
    const subject = subjectOf()
    const one = provider()
    valueOf(await one.inventory(unhurried()))
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const arrived = new Promise<void>((resolve) => {
      engine.instead('GET', /^\/info$/, async () => {
        resolve()
        await held
        return json(200, { NCPU: 4, MemTotal: 8e9 })
      })
    })
    const creating = one.container(subject, unhurried())
    await arrived
    const removing = one.remove(subject.id, null, unhurried())
    release()
    valueOf(await creating)
    valueOf(await removing)
    expect(engine.containersOf(subject.id)).toEqual([])
  })

  it('an inventory that is cut short is a fault, never a short list', async () => {
    await made(provider(), subjectOf())
    const bad = [
      () => new Response('[{"Id":"abc","State":"running","Lab'),
      () => json(200, {}),
      () => json(200, [{ Id: 'abc', State: 'running' }]),
      () => json(200, [null]),
      () => refusal(500, 'database is locked'),
    ]
    for (const play of bad) {
      engine.instead('GET', /^\/containers\/json$/, play)
      expect(faultOf(await provider().inventory(unhurried())).again).toBe('later')
    }
  })

  it('an inventory is a fault if one of its containers cannot be looked at', async () => {
    const one = await up(provider(), subjectOf())
    await up(provider(), subjectOf())
    engine.die(one.containerId, 1)
    engine.instead('GET', new RegExp(`^/containers/${one.containerId}/json$`), () => refusal(500, 'locked'))
    expect(faultOf(await provider().inventory(unhurried())).again).toBe('later')
  })

  it('what is not ours is not in the inventory, even if whoever is in between passes over the filter', async () => {
    engine.instead('GET', /^\/containers\/json$/, () =>
      json(200, [
        {
          Id: 'abc',
          State: 'running',
          Labels: { 'vm-api.installation': 'another', 'vm-api.workspace': newWorkspaceId() },
        },
      ]),
    )
    expect(valueOf(await provider().inventory(unhurried()))).toEqual([])
  })

  it('an engine that answers nothing at all is away within the deadlines, in every verb', async () => {
    const subject = { ...subjectOf(), containerId: 'f'.repeat(64) }
    for (const method of ['GET', 'POST', 'DELETE']) engine.instead(method, /./, silence, 1e6)
    const one = provider(short)
    const begun = performance.now()
    const answers: Outcome<unknown>[] = await Promise.all([
      one.image(subject, unhurried(), () => {}),
      one.container(subject, unhurried()),
      one.boot(subject, unhurried()),
      one.halt(subject, unhurried()),
      one.remove(subject.id, subject.containerId, unhurried()),
      one.inspect(subject.id, unhurried()),
      one.inventory(unhurried()),
      one.ready(unhurried()),
    ])
    expect(answers.map((answer) => faultOf(answer).again)).toEqual(answers.map(() => 'away'))
    expect(performance.now() - begun).toBeLessThan(2_000)
  })

  it('an engine that hangs on one request only has spent a try', async () => {
    engine.instead('GET', /^\/containers\/json$/, silence)
    expect(faultOf(await provider(short).inventory(unhurried())).again).toBe('later')
  })
})
