import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { workspaceSchema } from '../../src/wire/workspace.ts'
import { dockerClient } from '../../test/engine/docker-client.ts'
import type { EngineProcess } from '../../test/engine/engine-process.ts'
import { canRunEngines, startEngine } from '../../test/engine/engine-process.ts'
import { baseImage, ensureBaseImage } from '../../test/engine/images.ts'
import type { ProbeResult } from '../harness/latency-probe.ts'
import { startLatencyProbe } from '../harness/latency-probe.ts'
import { childEntry } from '../harness/build.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, percentile, roundTo } from '../statistics.ts'
import type { CpuShare } from '../harness/cpu-priority.ts'
import { raisePriority, applyServiceCpuShare } from '../harness/cpu-priority.ts'
import type { ServerProcess } from '../harness/server-process.ts'
import { startServerProcess, startService } from '../harness/server-process.ts'

const name = 'GET /health, 99th percentile during 100 creates and an engine restart'
const maxRatio = 10
const probeIntervalMs = 5
const createCount = 100
const timeoutMs = 300_000

/** The latency of GET /health under load, while the engine is killed and restarted. */
export const healthBenchmark: Benchmark = async ({ folder, quick }) => {
  if (!canRunEngines()) return { kind: 'skipped', name, reason: 'this machine cannot run a separate engine' }
  const engine = await startEngine()
  try {
    await ensureBaseImage(dockerClient(engine.target))
    const env = { DOCKER_HOST: engine.target.description, VM_API_TEMPLATES_DIR: writeTemplate(join(folder, 'health')) }
    const service = await startService(join(folder, 'health.db'), env)
    const bareServer = await startServerProcess(
      childEntry('bare-route'),
      [JSON.stringify({ body: '{"status":"ok"}' })],
      {},
    )
    try {
      const cpuShare = applyServiceCpuShare(service.pid)
      const busy: ProbeResult[] = []
      let idle: ProbeResult
      try {
        await probeWhile(service, () => delay(2000)) // warm-up
        idle = await probeWhile(service, () => delay(quick ? 2000 : 10_000))
        for (let round = 0; round < (quick ? 1 : 3); round += 1) {
          busy.push(await probeWhile(service, () => createDuringEngineRestart(service, engine)))
          await removeAll(service)
        }
      } finally {
        cpuShare?.release()
      }
      const bareProbe = startLatencyProbe(`${bareServer.url}/api/v1/workspaces/bare`, probeIntervalMs)
      raisePriority(bareProbe.pid)
      const withoutShare = await probeWhile(service, () => createDuringEngineRestart(service, engine))
      return resultOf(cpuShare, idle, busy, { ours: withoutShare, bare: await bareProbe.stop() })
    } finally {
      await Promise.all([service.close(), bareServer.close()])
    }
  } finally {
    await engine.close()
  }
}

async function probeWhile({ url }: ServerProcess, task: () => Promise<unknown>): Promise<ProbeResult> {
  const probe = startLatencyProbe(`${url}/health`, probeIntervalMs)
  raisePriority(probe.pid)
  await task()
  return probe.stop()
}

const p99 = (values: readonly number[]) => percentile(values, 99)

function resultOf(
  cpuShare: CpuShare | null,
  idle: ProbeResult,
  busy: readonly ProbeResult[],
  withoutShare: { ours: ProbeResult; bare: ProbeResult },
) {
  const idleMs = median(idle.latenciesMs)
  const busyMs = median(busy.map(({ latenciesMs }) => p99(latenciesMs)))
  const ratio = busyMs / idleMs
  return {
    kind: 'measured',
    name,
    baseline: 'median of GET /health when idle',
    ratio,
    target: `≤ ${maxRatio}`,
    ok: ratio <= maxRatio,
    figures: {
      'CPU share': cpuShare
        ? `CPUWeight=${cpuShare.weight}, as in the systemd unit`
        : 'default, since this machine does not allow a change: the figures reflect the machine',
      'requests under load': busy.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0),
      'idle, median, ms': roundTo(idleMs),
      'idle, 99th percentile, ms': roundTo(p99(idle.latenciesMs)),
      'under load, median, ms': roundTo(median(busy.map(({ latenciesMs }) => median(latenciesMs)))),
      'under load, 99th percentile, ms': roundTo(busyMs),
      'under load, longest, ms': roundTo(Math.max(...busy.flatMap(({ latenciesMs }) => latenciesMs))),
      'under load, send delay, 99th percentile, ms': roundTo(median(busy.map(({ sendDelaysMs }) => p99(sendDelaysMs)))),
      'under load with the default CPU share, 99th percentile, ms': roundTo(p99(withoutShare.ours.latenciesMs)),
      'a bare server at the same time, 99th percentile, ms': roundTo(p99(withoutShare.bare.latenciesMs)),
    },
  } as const
}

/** Sends 100 creates at once, and restarts the engine while they are in progress. Resolves once all workspaces run. */
async function createDuringEngineRestart(service: ServerProcess, engine: EngineProcess): Promise<void> {
  await Promise.all(
    Array.from({ length: createCount }, (_, n) => request(service, 'POST', '', { name: `health-${n}` })),
  )
  await delay(2000)
  await engine.kill()
  await engine.start()
  const deadline = performance.now() + timeoutMs
  for (
    let workspaces = await listWorkspaces(service);
    workspaces.some(({ status }) => status !== 'running');
    workspaces = await listWorkspaces(service)
  ) {
    const failed = workspaces.find(({ status }) => status === 'failed')
    if (failed) throw new Error(`a create failed: ${failed.error_message}`)
    if (performance.now() > deadline)
      throw new Error(
        `${workspaces.filter(({ status }) => status !== 'running').length} of ${workspaces.length} workspaces are not running`,
      )
    await delay(500) // polls as clients do
  }
}

async function removeAll(service: ServerProcess): Promise<void> {
  for (const { id } of await listWorkspaces(service)) await request(service, 'DELETE', `/${id}`)
}

const listWorkspaces = async (service: ServerProcess) =>
  z.array(workspaceSchema).parse(await request(service, 'GET', ''))

async function request({ url }: ServerProcess, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${url}/api/v1/workspaces${path}`, {
    method,
    headers: { 'x-vm-user': 'owner-0', ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

// No init process: a separate engine may lack the binary.
function writeTemplate(dir: string): string {
  mkdirSync(join(dir, 'base'), { recursive: true })
  const limits = { cpus: 1, memory: '64m', pids: 64 }
  const definition = { image: baseImage, init: false, customizations: { 'vm-api': limits } }
  writeFileSync(join(dir, 'base/devcontainer.json'), JSON.stringify(definition))
  return dir
}
