import { describe, expect, it } from 'vitest'
import { faultOf, listen, newSubject, plainRecipe, stateOf, unhurried, up, valueOf } from './bench.ts'
import { providerContract } from './contract.ts'
import { fakeEngine } from './fake-provider.ts'

providerContract(
  'fake',
  async () => {
    const engine = fakeEngine()
    return {
      provider: engine.provider(),
      recipe: plainRecipe,
      kill: async (containerId) => engine.exit(containerId),
      removeByHand: async (containerId) => engine.removeByHand(containerId),
      again: () => engine.provider(),
      other: () => engine.provider('elsewhere'),
      close: async () => undefined,
    }
  },
  { shell: false },
)

describe('The fake engine', () => {
  it('does the work and answers a fault all the same, once', async () => {
    const engine = fakeEngine()
    const subject = newSubject(plainRecipe())
    engine.failNext('container', { again: 'later', message: 'answered 500' }, { worked: true })
    expect(faultOf(await engine.provider().container(subject, unhurried())).message).toBe('answered 500')
    expect(engine.containers.size).toBe(1)
    valueOf(await engine.provider().container(subject, unhurried()))
    expect(engine.containers.size).toBe(1)
  })

  it('refuses as often as it was told to, in the order it was told, with nothing done', async () => {
    const engine = fakeEngine()
    const subject = newSubject(plainRecipe())
    engine.failNext('container', { again: 'later', message: 'one' })
    engine.failNext('container', { again: 'never', message: 'two' })
    const ask = () => engine.provider().container(subject, unhurried())
    expect([faultOf(await ask()).message, faultOf(await ask()).message]).toEqual(['one', 'two'])
    expect(engine.containers.size).toBe(0)
    valueOf(await ask())
  })

  it('answers away to everything while it is away, and tells lost once and connected once', async () => {
    const engine = fakeEngine()
    const subject = await up(engine.provider(), newSubject(plainRecipe()))
    const ear = listen(engine.provider())
    await ear.until((notice) => notice.kind === 'connected')
    engine.leave()
    engine.leave()
    engine.exit(subject.containerId, { withEngine: true })
    expect(faultOf(await engine.provider().inventory(unhurried())).again).toBe('away')
    expect(faultOf(await engine.provider().halt(subject, unhurried())).again).toBe('away')
    engine.comeBack()
    expect(ear.heard.map((notice) => notice.kind)).toEqual(['connected', 'lost', 'connected'])
    expect(await stateOf(engine.provider(), subject.id)).toBe('exited')
  })

  it('holds a request for as long as its hook does, and lets it go when it is aborted', async () => {
    const engine = fakeEngine()
    const off = engine.before('boot', () => new Promise(() => undefined))
    const abort = new AbortController()
    const held = engine.provider().boot(newSubject(plainRecipe()), abort.signal)
    abort.abort()
    expect(faultOf(await held).again).toBe('later')
    off()
    expect(faultOf(await engine.provider().boot(newSubject(plainRecipe()), unhurried())).again).toBe('gone')
  })

  it('writes down what it was asked', async () => {
    const engine = fakeEngine()
    const subject = await up(engine.provider(), newSubject(plainRecipe()))
    expect(engine.calls).toEqual(['image', 'container', 'boot'].map((verb) => ({ verb, workspaceId: subject.id })))
  })

  it('shows a container that it was given by hand', async () => {
    const engine = fakeEngine()
    const { id } = newSubject(plainRecipe())
    engine.place(id, { kind: 'exited', exit: { code: 137, outOfMemory: true, withEngine: false } })
    expect(await stateOf(engine.provider(), id)).toBe('exited')
    expect(await stateOf(engine.provider('elsewhere'), id)).toBe('none')
  })
})
