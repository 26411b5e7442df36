import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import { dockerProvider } from '../../../src/provider/docker/docker-provider.ts'
import { dockerClient, removeAll } from '../../engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../../engine/images.ts'
import { liveEngine, noEngine } from '../../engine/live-engine.ts'
import { silentLog } from '../../silent-log.ts'
import { shellContract } from './shell-contract.ts'
import { openTestServer } from '../test-server.ts'

const live = await liveEngine()
const target = live ?? noEngine
const installation = randomUUID()

describe.skipIf(live === undefined)('In a container', { timeout: 60_000 }, () => {
  const docker = dockerClient(target)
  beforeAll(() => ensureBaseImage(docker))
  afterAll(() => removeAll(docker, installation))

  shellContract(async (options = {}) => {
    const provider = dockerProvider({ installation, target: target, log: silentLog })
    const testServer = await openTestServer({ ...options, docker: { provider, image: baseImage } })
    const port = await testServer.listen()
    const { id } = await testServer.createWorkspace()
    await testServer.waitFor(id, ({ status }) => status === 'running')
    return { ...testServer, id, port }
  })
})
