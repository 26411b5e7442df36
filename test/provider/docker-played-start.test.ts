import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../src/provider/provider.ts'
import { silentLog } from '../engine/silent-log.ts'
import { faultOf, made, newSubject, plainRecipe, unhurried, valueOf } from './bench.ts'
import { json, type PlayedEngine, playedEngine, refusal } from './engine-played.ts'

const image = 'vm-test/base:latest'
const installation = randomUUID()
let engine: PlayedEngine
let provider: Provider

beforeEach(() => {
  engine = playedEngine(image)
  engine.server.listen({ onUnhandledRequest: 'error' })
  provider = dockerProvider({ installation, docker: engine.target, log: silentLog })
})
afterEach(() => engine.server.close())

/** A container that an engine was killed over: it says the same of every start from then on. */
async function watchedOver(startedAt: string, reason = (id: string) => `task ${id}: already exists`) {
  const subject = await made(provider, newSubject(plainRecipe({ image })))
  const { containerId, id } = subject
  engine.instead('POST', /\/start$/, () => refusal(500, reason(containerId)))
  engine.instead('GET', new RegExp(`^/containers/${containerId}/json$`), () => {
    const Labels = { 'vm-api.installation': installation, 'vm-api.workspace': id }
    return json(200, { Id: containerId, Config: { Labels }, State: { Status: 'created', StartedAt: startedAt } })
  })
  return subject
}

describe('A container that an engine was killed over while it started it', () => {
  it.each([
    ['task: already exists', (id: string) => `task ${id}: already exists`],
    ['id already in use', () => 'id already in use'],
  ])('is made anew if it has never run, since no start of it will ever succeed: %s', async (_, reason) => {
    const subject = await watchedOver('0001-01-01T00:00:00Z', reason)
    expect(faultOf(await provider.boot(subject, unhurried())).again).toBe('gone')
    expect(engine.containersOf(subject.id)).toEqual([])
    const anew = await made(provider, subject)
    valueOf(await provider.boot(anew, unhurried()))
    expect(engine.containersOf(subject.id)).toEqual([anew.containerId])
  })

  it('is kept with its files if it has run before, and what to end is said', async () => {
    const subject = await watchedOver('2026-01-31T12:00:00Z')
    const { again, message } = faultOf(await provider.boot(subject, unhurried()))
    expect(again).toBe('later')
    expect(message).toContain(`containerd-shim-runc-v2 … -id ${subject.containerId}`)
    expect(engine.containersOf(subject.id)).toEqual([subject.containerId])
  })
})
