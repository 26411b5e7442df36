import { join } from 'node:path'
import { childEntry } from './built.ts'
import type { Slice } from './load.ts'
import { load } from './load.ts'
import type { Measure } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'
import { seed } from './seed.ts'
import { startServer } from './server.ts'
import { startOn } from './service.ts'

const leastRatio = 0.7
const connections = 16

/**
 * How many requests a second GET of one workspace answers. Where the kernel puts a process, and so what it costs to wake its client, is
 * decided anew with each start and is as large as what is compared: each round has processes of its own.
 */
export const getOne: Measure = async ({ folder, quick }) => {
  const path = join(folder, 'get-one.db')
  const [id] = seed(path, 1000)
  const route = `/api/v1/workspaces/${id}`
  const ours: Slice[] = []
  const bare: Slice[] = []
  let body = ''
  for (let start = 0; start < (quick ? 1 : 5); start += 1) {
    const service = await startOn(path)
    body = await (await fetch(`${service.url}${route}`, { headers: { 'x-vm-user': 'owner-0' } })).text()
    const plain = await startServer(childEntry('bare-route'), [JSON.stringify({ body })], {})
    try {
      const seconds = quick ? 1 : 2
      for (const server of [service, plain]) await load(server, route, connections, seconds) // compiled by then
      const { a, b } = await pairs(
        quick ? 1 : 4,
        () => load(service, route, connections, seconds),
        () => load(plain, route, connections, seconds),
      )
      ours.push(...a)
      bare.push(...b)
    } finally {
      await Promise.all([service.close(), plain.close()])
    }
  }
  const [oursRate, bareRate] = [ours, bare].map((slices) => median(slices.map(({ perSecond }) => perSecond)))
  const [oursCpu, bareCpu] = [ours, bare].map((slices) => median(slices.map(({ cpuUs }) => cpuUs)))
  const ratio = (oursRate ?? Number.NaN) / (bareRate ?? Number.NaN)
  return {
    kind: 'measured',
    name: 'GET one workspace, requests per second',
    against: 'a bare Fastify route that sends the same bytes',
    ratio,
    target: `≥ ${leastRatio}`,
    ok: ratio >= leastRatio,
    figures: {
      'ours, per second': rounded(oursRate ?? Number.NaN, 0),
      'bare, per second': rounded(bareRate ?? Number.NaN, 0),
      'ours, processor time per request, µs': rounded(oursCpu ?? Number.NaN, 1),
      'bare, processor time per request, µs': rounded(bareCpu ?? Number.NaN, 1),
      'body, bytes': body.length,
    },
  }
}
