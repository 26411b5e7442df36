import { join } from 'node:path'
import { childEntry } from '../harness/build.ts'
import type { LoadSample } from '../harness/http-load.ts'
import { runLoad } from '../harness/http-load.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, roundTo } from '../statistics.ts'
import { seedDatabase } from '../harness/seed-database.ts'
import { startServerProcess, startService } from '../harness/server-process.ts'

const minRatio = 0.7
const connections = 16

/**
 * Requests per second of GET one workspace. Each round starts new processes, because the kernel's placement of a process changes the cost
 * of waking its client by as much as the difference that is measured.
 */
export const getOneBenchmark: Benchmark = async ({ folder, quick }) => {
  const path = join(folder, 'get-one.db')
  const [id] = seedDatabase(path, 1000)
  const route = `/api/v1/workspaces/${id}`
  const serviceSamples: LoadSample[] = []
  const bareSamples: LoadSample[] = []
  let body = ''
  for (let round = 0; round < (quick ? 1 : 5); round += 1) {
    const service = await startService(path)
    body = await (await fetch(`${service.url}${route}`, { headers: { 'x-vm-user': 'owner-0' } })).text()
    const bareServer = await startServerProcess(childEntry('bare-route'), [JSON.stringify({ body })], {})
    try {
      const seconds = quick ? 1 : 2
      for (const server of [service, bareServer]) await runLoad(server, route, connections, seconds) // warm-up
      const { a, b } = await runInTurns(
        quick ? 1 : 4,
        () => runLoad(service, route, connections, seconds),
        () => runLoad(bareServer, route, connections, seconds),
      )
      serviceSamples.push(...a)
      bareSamples.push(...b)
    } finally {
      await Promise.all([service.close(), bareServer.close()])
    }
  }
  const [oursRate, bareRate] = [serviceSamples, bareSamples].map((samples) =>
    median(samples.map(({ perSecond }) => perSecond)),
  )
  const [oursCpu, bareCpu] = [serviceSamples, bareSamples].map((samples) => median(samples.map(({ cpuUs }) => cpuUs)))
  const ratio = (oursRate ?? Number.NaN) / (bareRate ?? Number.NaN)
  return {
    kind: 'measured',
    name: 'GET one workspace, requests per second',
    baseline: 'a bare Fastify route with the same body',
    ratio,
    target: `≥ ${minRatio}`,
    ok: ratio >= minRatio,
    figures: {
      'service, per second': roundTo(oursRate ?? Number.NaN, 0),
      'bare, per second': roundTo(bareRate ?? Number.NaN, 0),
      'service, CPU time per request, µs': roundTo(oursCpu ?? Number.NaN, 1),
      'bare, CPU time per request, µs': roundTo(bareCpu ?? Number.NaN, 1),
      'body, bytes': body.length,
    },
  }
}
