import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../src/provider/provider.ts'
import type { Recipe } from '../../src/workspace/recipe.ts'
import { clientOf } from '../engine/client.ts'
import { type EngineProcess, mayRunEngines, startEngine } from '../engine/engine-process.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { silentLog } from '../engine/silent-log.ts'
import { faultOf, listen, made, newSubject, plainRecipe, seen, stateOf, unhurried, up, valueOf } from './bench.ts'

describe.skipIf(!mayRunEngines())('An engine that is restarted', () => {
  let engine: EngineProcess
  let provider: Provider
  beforeAll(async () => {
    engine = await startEngine(['--init-path', '/nonexistent/docker-init'])
    await ensureBaseImage(clientOf(engine.target))
    const deadlines = { heartbeat: 200, reconnect: 50, reconnectMost: 100, ping: 500 }
    provider = dockerProvider({ installation: randomUUID(), docker: engine.target, log: silentLog, deadlines })
  })
  afterAll(() => engine.close())
  const subjectOf = (partial: Partial<Recipe> = {}) =>
    newSubject(plainRecipe({ image: baseImage, init: false, ...partial }))

  it('in order: what it stopped went down with it, what ends later does not', async () => {
    const subject = await up(provider, subjectOf())
    await engine.stop()
    expect(faultOf(await provider.ready(unhurried())).again).toBe('away')
    expect(faultOf(await provider.boot(subject, unhurried())).again).toBe('away')
    await engine.start()
    expect(await seen(provider, subject.id)).toMatchObject({ state: { kind: 'exited', exit: { withEngine: true } } })

    valueOf(await provider.boot(subject, unhurried()))
    const container = clientOf(engine.target).getContainer(subject.containerId)
    // An end within the slack after the engine's start would count as the engine's.
    const started = Date.now()
    await expect.poll(() => Date.now() - started, { timeout: 5_000 }).toBeGreaterThan(2_000)
    const ended = container.wait({})
    await container.kill()
    await ended
    expect(await seen(provider, subject.id)).toMatchObject({ state: { kind: 'exited', exit: { withEngine: false } } })
  })

  it('after a kill: its containers went down with it, and whoever watches is told lost and connected', async () => {
    const subject = await up(provider, subjectOf())
    const ear = listen(provider)
    await ear.until(({ kind }) => kind === 'connected')
    await engine.kill()
    await ear.until(({ kind }) => kind === 'lost')
    await engine.start()
    await ear.until((notice) => notice.kind === 'connected' && notice !== ear.heard[0])
    expect(await seen(provider, subject.id)).toMatchObject({ state: { kind: 'exited', exit: { withEngine: true } } })
    ear.close()
  })

  it('or hangs with its socket open is away to every request, told as lost, and connected when it goes on', async () => {
    const subject = await made(provider, subjectOf())
    const ear = listen(provider)
    await ear.until(({ kind }) => kind === 'connected')
    engine.freeze()
    expect(await ear.until(({ kind }) => kind === 'lost')).toMatchObject({ fault: { again: 'away' } })
    expect(faultOf(await provider.ready(unhurried())).again).toBe('away')
    engine.thaw()
    await ear.until((notice) => notice.kind === 'connected' && notice !== ear.heard[0])
    expect(await stateOf(provider, subject.id)).toBe('made')
    ear.close()
  })

  it('and has no init process refuses a start that wants one for good, and says what to install', async () => {
    const subject = await made(provider, subjectOf({ init: true }))
    const fault = faultOf(await provider.boot(subject, unhurried()))
    expect(fault.again).toBe('never')
    expect(fault.message).toContain('"init": false')
  })
})
