import { once } from 'node:events'
import { createServer } from 'node:http'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { expect, it, onTestFinished } from 'vitest'
import type { DockerTarget } from '../../../src/provider/docker/engine/docker-target.ts'
import { defaultEngineTimeouts } from '../../../src/provider/docker/engine/engine-timeouts.ts'
import { dockerEngine } from '../../../src/provider/docker/engine/engine.ts'

it('two hundred concurrent requests cost the event loop no more per request than twenty do', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'vm-api-load-')), 'engine.sock')
  const server = createServer((_request, response) => {
    setTimeout(() => response.setHeader('content-type', 'application/json').end('[]'), 20)
  }).listen(path)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const target: DockerTarget = { endpoint: { kind: 'socket', path }, description: path, configFile: '' }
  const engine = dockerEngine({ installation: 'load', target, timeouts: defaultEngineTimeouts })
  const signal = new AbortController().signal
  /** The active time of the event loop per request, in ms. */
  const costPerRequest = async (requests: number) => {
    const before = performance.eventLoopUtilization()
    const results = Array.from({ length: requests }, () =>
      engine.request({ action: 'list', timeoutMs: 60_000, run: (docker) => docker.listContainers() }, signal),
    )
    expect((await Promise.all(results)).every(({ ok }) => ok)).toBe(true)
    return performance.eventLoopUtilization(before).active / requests
  }
  await costPerRequest(20) // loads the client
  const costOfTwenty = await costPerRequest(20)
  // A ratio within one run. If each request inspects the queue, the cost per request grows with the queue's length.
  expect((await costPerRequest(200)) / costOfTwenty).toBeLessThan(5)
  engine.close()
})
