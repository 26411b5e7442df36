import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../src/provider/provider.ts'
import { silentLog } from '../engine/silent-log.ts'
import { listen, newSubject, plainRecipe, up } from './bench.ts'
import { type PlayedEngine, playedEngine, refusal, silence } from './engine-played.ts'

const image = 'vm-test/base:latest'
const installation = randomUUID()
let engine: PlayedEngine

beforeEach(() => {
  engine = playedEngine(image)
  engine.server.listen({ onUnhandledRequest: 'error' })
})
afterEach(() => engine.server.close())

// Short ones, so that a test need not wait for what takes seconds in service.
const brisk = { heartbeat: 30, reconnect: 10, reconnectMost: 20, ping: 100, read: 150 }
const provider = (): Provider =>
  dockerProvider({ installation, docker: engine.target, log: silentLog, deadlines: brisk })
const subjectOf = () => newSubject(plainRecipe({ image }))

describe('Watching a played engine', () => {
  it('a stream that is cut is told as lost once, then connected again, and events go on', async () => {
    const subject = await up(provider(), subjectOf())
    const ear = listen(provider())
    await ear.until(({ kind }) => kind === 'connected')
    engine.cutEvents()
    await ear.until(({ kind }) => kind === 'lost')
    await ear.until((notice) => notice.kind === 'connected' && notice !== ear.heard[0])
    engine.die(subject.containerId, 1)
    await ear.until((notice) => notice.kind === 'changed' && notice.workspaceId === subject.id)
    expect(ear.heard.map(({ kind }) => kind)).toEqual(['connected', 'lost', 'connected', 'changed'])
    ear.close()
  })

  it('an engine that hangs with its stream open is told as lost', async () => {
    const ear = listen(provider())
    await ear.until(({ kind }) => kind === 'connected')
    engine.instead('GET', /^\/_ping$/, silence, 1e6)
    const lost = await ear.until(({ kind }) => kind === 'lost')
    expect(lost).toMatchObject({ kind: 'lost', fault: { again: 'away' } })
    ear.close()
  })

  it('an engine that is away from the start is told as lost once, however often it is tried', async () => {
    engine.instead('GET', /^\/events$/, () => refusal(503, 'starting'), 5)
    const ear = listen(provider())
    await ear.until(({ kind }) => kind === 'connected')
    expect(ear.heard.map(({ kind }) => kind)).toEqual(['lost', 'connected'])
    ear.close()
  })
})
