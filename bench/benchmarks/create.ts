import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { installationStore } from '../../src/persistence/installation.ts'
import type { DockerTarget } from '../../src/provider/docker/engine/docker-target.ts'
import { readTemplates } from '../../src/template/templates.ts'
import type { WorkspaceSpec } from '../../src/workspace/spec.ts'
import { dockerClient, removeAll } from '../../test/engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../../test/engine/images.ts'
import { liveEngine } from '../../test/engine/live-engine.ts'
import { dockerBaseline } from '../harness/docker-baseline.ts'
import { workspaceCreator } from '../harness/workspace-creator.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, roundTo } from '../statistics.ts'
import { startService } from '../harness/server-process.ts'

const name = 'create until running, on Docker, image present'
const maxRatio = 1.15

/** The duration of a create by the journal's timestamps, compared with the same engine calls through dockerode. */
export const createBenchmark: Benchmark = async ({ folder, quick }) => {
  const target = await liveEngine()
  if (!target) return { kind: 'skipped', name, reason: 'no Docker engine is reachable' }
  const docker = dockerClient(target)
  await ensureBaseImage(docker)
  const path = join(folder, 'create.db')
  const templates = join(folder, 'templates')
  const spec = writeTemplate(templates)
  const service = await startService(path, { DOCKER_HOST: dockerHostOf(target), VM_API_TEMPLATES_DIR: templates })
  const baseline = await dockerBaseline(docker, spec, `vm-api-bench-${randomBytes(4).toString('hex')}`)
  try {
    const { create, remove } = workspaceCreator(service)
    const createThroughApi = async () => {
      const timing = await create()
      await remove(timing.id)
      return timing
    }
    for (let n = 0; n < 2; n += 1) await Promise.all([createThroughApi(), baseline.create()]) // warm-up: networks and connections
    const { a, b } = await runInTurns(quick ? 3 : 30, createThroughApi, () => baseline.create())
    const ratio = median(a.map(({ ms }) => ms)) / median(b)
    const steps = Object.keys(a[0]?.steps ?? {}).map((event) => [
      `service, step to ${event}, ms`,
      median(a.map((timing) => timing.steps[event] ?? Number.NaN)),
    ])
    return {
      kind: 'measured',
      name,
      baseline: 'the same engine calls through dockerode',
      ratio,
      target: `≤ ${maxRatio}`,
      ok: ratio <= maxRatio,
      figures: {
        pairs: a.length,
        'service, ms': roundTo(median(a.map(({ ms }) => ms)), 0),
        'dockerode, ms': roundTo(median(b), 0),
        ...Object.fromEntries(steps),
      },
    }
  } finally {
    await service.close()
    await baseline.close()
    await removeAll(docker, installationIdIn(path))
  }
}

function writeTemplate(dir: string): WorkspaceSpec {
  mkdirSync(join(dir, 'base'), { recursive: true })
  const limits = { cpus: 1, memory: '256m', pids: 128 }
  const definition = { image: baseImage, customizations: { 'vm-api': limits } }
  writeFileSync(join(dir, 'base/devcontainer.json'), JSON.stringify(definition))
  const result = readTemplates(dir)
  const base = result.kind === 'ok' ? result.templates.get('base') : undefined
  if (!base) throw new Error(`the template in ${dir} is invalid`)
  return base.spec
}

function dockerHostOf({ endpoint }: DockerTarget): string {
  return endpoint.kind === 'socket' ? `unix://${endpoint.path}` : `tcp://${endpoint.host}:${endpoint.port}`
}

function installationIdIn(path: string): string {
  const db = new BetterSqlite3(path)
  const id = installationStore(db).id()
  db.close()
  return id
}
