import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { workspace } from '../src/wire/workspace.ts'
import { clientOf } from '../test/engine/client.ts'
import type { EngineProcess } from '../test/engine/engine-process.ts'
import { mayRunEngines, startEngine } from '../test/engine/engine-process.ts'
import { baseImage, ensureBaseImage } from '../test/engine/images.ts'
import type { Asked } from './asker.ts'
import { startAsker } from './asker.ts'
import { childEntry } from './built.ts'
import type { Measure } from './measure.ts'
import { median, percentile, rounded } from './measure.ts'
import type { Share } from './precedence.ts'
import { precede, shareAsDeployed } from './precedence.ts'
import type { Server } from './server.ts'
import { startServer } from './server.ts'
import { startOn } from './service.ts'

const name = 'GET /health, 99th percentile under 100 creates at once and an engine that is killed and restarted'
const mostRatio = 10
const everyMs = 5
const creates = 100
const patienceMs = 300_000

/** How long the service takes to say that it lives while it has a great deal to do, and its engine is killed on it. */
export const health: Measure = async ({ folder, quick }) => {
  if (!mayRunEngines()) return { kind: 'skipped', name, why: 'this machine may not run an engine of the bench’s own' }
  const engine = await startEngine()
  try {
    await ensureBaseImage(clientOf(engine.target))
    const env = { DOCKER_HOST: engine.target.described, VM_API_TEMPLATES_DIR: templateIn(join(folder, 'health')) }
    const service = await startOn(join(folder, 'health.db'), env)
    const bare = await startServer(childEntry('bare-route'), [JSON.stringify({ body: '{"status":"ok"}' })], {})
    try {
      const share = shareAsDeployed(service.pid)
      const busy: Asked[] = []
      let idle: Asked
      try {
        await asked(service, () => delay(2000)) // compiled by then
        idle = await asked(service, () => delay(quick ? 2000 : 10_000))
        for (let round = 0; round < (quick ? 1 : 3); round += 1) {
          busy.push(await asked(service, () => troubled(service, engine)))
          await removeAll(service)
        }
      } finally {
        share?.end()
      }
      const other = startAsker(`${bare.url}/api/v1/workspaces/bare`, everyMs)
      precede(other.pid)
      const plain = await asked(service, () => troubled(service, engine))
      return found(share, idle, busy, { ours: plain, bare: await other.done() })
    } finally {
      await Promise.all([service.close(), bare.close()])
    }
  } finally {
    await engine.close()
  }
}

async function asked({ url }: Server, run: () => Promise<unknown>): Promise<Asked> {
  const asker = startAsker(`${url}/health`, everyMs)
  precede(asker.pid)
  await run()
  return asker.done()
}

const p99 = (values: readonly number[]) => percentile(values, 99)

function found(share: Share | null, idle: Asked, busy: readonly Asked[], plain: { ours: Asked; bare: Asked }) {
  const idleMs = median(idle.took)
  const busyMs = median(busy.map(({ took }) => p99(took)))
  const ratio = busyMs / idleMs
  return {
    kind: 'measured',
    name,
    against: 'the median of GET /health while nothing happens',
    ratio,
    target: `≤ ${mostRatio}`,
    ok: ratio <= mostRatio,
    figures: {
      'share of the processors': share
        ? `CPUWeight=${share.weight}, as its unit for systemd has it`
        : 'as any process, this machine does not let it have more: the figures are the machine’s',
      'requests meanwhile': busy.reduce((sum, { took }) => sum + took.length, 0),
      'idle, median, ms': rounded(idleMs),
      'idle, 99th percentile, ms': rounded(p99(idle.took)),
      'meanwhile, median, ms': rounded(median(busy.map(({ took }) => median(took)))),
      'meanwhile, 99th percentile, ms': rounded(busyMs),
      'meanwhile, longest, ms': rounded(Math.max(...busy.flatMap(({ took }) => took))),
      'of which sent late, 99th percentile, ms': rounded(median(busy.map(({ late }) => p99(late)))),
      'without that share, 99th percentile, ms': rounded(p99(plain.ours.took)),
      'a bare server beside it then, 99th percentile, ms': rounded(p99(plain.bare.took)),
    },
  } as const
}

/** A hundred creates at once; when some are made, the engine is killed and started again. Settles when all run. */
async function troubled(service: Server, engine: EngineProcess): Promise<void> {
  await Promise.all(Array.from({ length: creates }, (_, n) => ask(service, 'POST', '', { name: `health-${n}` })))
  await delay(2000)
  await engine.kill()
  await engine.start()
  const patient = performance.now() + patienceMs
  for (let made = await all(service); made.some(({ status }) => status !== 'running'); made = await all(service)) {
    const failed = made.find(({ status }) => status === 'failed')
    if (failed) throw new Error(`a create ended failed: ${failed.error_message}`)
    if (performance.now() > patient)
      throw new Error(
        `${made.filter(({ status }) => status !== 'running').length} of ${made.length} creates do not run yet`,
      )
    await delay(500) // polled as clients do
  }
}

async function removeAll(service: Server): Promise<void> {
  for (const { id } of await all(service)) await ask(service, 'DELETE', `/${id}`)
}

const all = async (service: Server) => z.array(workspace).parse(await ask(service, 'GET', ''))

async function ask({ url }: Server, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${url}/api/v1/workspaces${path}`, {
    method,
    headers: { 'x-vm-user': 'owner-0', ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

// Without an init process: an engine of the bench's own need not have one.
function templateIn(dir: string): string {
  mkdirSync(join(dir, 'base'), { recursive: true })
  const limits = { cpus: 1, memory: '64m', pids: 64 }
  const definition = { image: baseImage, init: false, customizations: { 'vm-api': limits } }
  writeFileSync(join(dir, 'base/devcontainer.json'), JSON.stringify(definition))
  return dir
}
