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

it('two hundred requests at once cost the event loop no more each than twenty do', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'vm-api-crowd-')), 'engine.sock')
  const server = createServer((_request, response) => {
    setTimeout(() => response.setHeader('content-type', 'application/json').end('[]'), 20)
  }).listen(path)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const target: DockerTarget = { endpoint: { kind: 'socket', path }, description: path, configFile: '' }
  const engine = dockerEngine({ installation: 'load', target, timeouts: defaultEngineTimeouts })
  const signal = new AbortController().signal
  /** Share of one processor's time that each request takes. */
  const cost = async (requests: number) => {
    const before = performance.eventLoopUtilization()
    const results = Array.from({ length: requests }, () =>
      engine.request({ action: 'list', timeoutMs: 60_000, run: (docker) => docker.listContainers() }, signal),
    )
    expect((await Promise.all(results)).every(({ ok }) => ok)).toBe(true)
    return performance.eventLoopUtilization(before).active / requests
  }
  await cost(20) // the client is loaded by then
  const costOfTwenty = await cost(20)
  // A ratio within one run: looked through at each request, a queue makes the cost of each grow with its length.
  expect((await cost(200)) / costOfTwenty).toBeLessThan(5)
  engine.close()
})
