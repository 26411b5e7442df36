import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import { clientOf, sweep } from '../engine/client.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { liveEngine, noEngine } from '../engine/live-engine.ts'
import { silentLog } from '../engine/silent-log.ts'
import { shellContract } from './contract-shells.ts'
import { openWorld } from './world.ts'

const live = await liveEngine()
const target = live ?? noEngine
const installation = randomUUID()

describe.skipIf(live === undefined)('In a container', { timeout: 60_000 }, () => {
  const docker = clientOf(target)
  beforeAll(() => ensureBaseImage(docker))
  afterAll(() => sweep(docker, installation))

  shellContract(async (setting = {}) => {
    const provider = dockerProvider({ installation, docker: target, log: silentLog })
    const world = await openWorld({ ...setting, docker: { provider, image: baseImage } })
    const port = await world.listen()
    const { id } = await world.make()
    await world.until(id, ({ status }) => status === 'running')
    return { ...world, id, port }
  })
})
