import { join } from 'node:path'
import { childEntry } from './built.ts'
import { load } from './load.ts'
import type { Measure } from './measure.ts'
import { median, pairs, rounded } from './measure.ts'
import { seed } from './seed.ts'
import { startServer } from './server.ts'
import { startOn } from './service.ts'

const leastRatio = 0.7
const connections = 16

/** How many requests a second GET of one workspace answers. */
export const getOne: Measure = async ({ folder, quick }) => {
  const path = join(folder, 'get-one.db')
  const [id] = seed(path, 1000)
  const ours = await startOn(path)
  const route = `/api/v1/workspaces/${id}`
  const body = await (await fetch(`${ours.url}${route}`, { headers: { 'x-vm-user': 'owner-0' } })).text()
  const bare = await startServer(childEntry('bare-route'), [JSON.stringify({ body })], {})
  try {
    const seconds = quick ? 1 : 3
    for (const server of [ours, bare]) await load(server, route, connections, seconds) // compiled by then
    const { a, b } = await pairs(
      quick ? 1 : 8,
      () => load(ours, route, connections, seconds),
      () => load(bare, route, connections, seconds),
    )
    const [oursRate, bareRate] = [a, b].map((slices) => median(slices.map(({ perSecond }) => perSecond)))
    const [oursCpu, bareCpu] = [a, b].map((slices) => median(slices.map(({ cpuUs }) => cpuUs)))
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
  } finally {
    await Promise.all([ours.close(), bare.close()])
  }
}
