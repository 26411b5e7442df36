import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import { dockerClient } from '../../../engine/docker-client.ts'
import { liveEngine, noEngine } from '../../../engine/live-engine.ts'
import { type Registry, startRegistry } from '../../../engine/registry.ts'
import { silentLog } from '../../../silent-log.ts'
import { faultOf, newWorkspaceRef, plainSpec, neverAborted, valueOf } from '../../contract/provider-fixture.ts'

const live = await liveEngine()
const target = live ?? noEngine

describe.skipIf(live === undefined)('A live engine and a registry', () => {
  const docker = dockerClient(target)
  let registry: Registry
  let silent: Registry
  beforeAll(async () => {
    registry = await startRegistry()
    silent = await startRegistry(true)
  })
  afterAll(() => Promise.all([registry.close(), silent.close()]))

  const timeouts = { registryMs: 1_500, stallMs: 700 }
  const provider = dockerProvider({ installation: 'pulls', target, log: silentLog, timeouts })
  const pull = (name: string) => provider.image(newWorkspaceRef(plainSpec({ image: name })), neverAborted(), () => {})

  it('an image that only the registry has is pulled', async () => {
    const name = `${registry.host}/good:1`
    const { imageId } = valueOf(await pull(name))
    expect((await docker.getImage(name).inspect()).Id).toBe(imageId)
    await docker.getImage(name).remove({})
  })

  it.each(['good:2', 'nothing:1', 'secret:1'])('%s, which cannot be pulled, is a permanent fault', async (name) => {
    const fault = faultOf(await pull(`${registry.host}/${name}`))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain(`${registry.host}/${name}`)
  })

  it('a layer that never finishes is given up as a transient fault', async () => {
    expect(faultOf(await pull(`${registry.host}/slow:1`)).kind).toBe('transient')
  })

  it('a registry that accepts connections and never answers is given up', async () => {
    expect(faultOf(await pull(`${silent.host}/any:1`))).toMatchObject({ kind: 'transient' })
  })

  it("a registry that is not running is reported at once, with the engine's reason", async () => {
    const startedAt = performance.now()
    const fault = faultOf(await pull('127.0.0.1:1/any:1'))
    expect(fault.kind).toBe('transient')
    expect(fault.message).toContain('connection refused')
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})
