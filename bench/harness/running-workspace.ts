import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type Docker from 'dockerode'
import BetterSqlite3 from 'better-sqlite3'
import { installationStore } from '../../src/persistence/installation.ts'
import { workspaceSchema } from '../../src/wire/workspace.ts'
import { dockerClient, removeAll } from '../../test/engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../../test/engine/images.ts'
import { liveEngine } from '../../test/engine/live-engine.ts'
import type { ServerProcess } from './server-process.ts'
import { startService } from './server-process.ts'

export const noEngineReason = 'no Docker engine is reachable'
export const userHeaders = { 'x-user': 'bench' }

/** A service with one running workspace on a live engine, and a Docker client for the same engine. */
export interface RunningWorkspace {
  readonly service: ServerProcess
  readonly docker: Docker
  readonly containerId: string
  /** `DOCKER_HOST` of the engine. */
  readonly dockerHost: string
  /** The URL of a path below the workspace. */
  urlOf(path: string): string
  close(): Promise<void>
}

/** Starts the service with the database `<name>.db` in `folder`. Returns `null` if no engine is reachable. */
export async function startRunningWorkspace(folder: string, name: string): Promise<RunningWorkspace | null> {
  const target = await liveEngine()
  if (!target) return null
  const docker = dockerClient(target)
  await ensureBaseImage(docker)
  const templates = join(folder, `${name}-templates`)
  mkdirSync(join(templates, 'base'), { recursive: true })
  const limits = { cpus: 2, memory: '2g', pids: 256 }
  const definition = { image: baseImage, init: false, customizations: { 'vm-api': limits } }
  writeFileSync(join(templates, 'base/devcontainer.json'), JSON.stringify(definition))
  const path = join(folder, `${name}.db`)
  const { endpoint } = target
  const dockerHost = endpoint.kind === 'socket' ? `unix://${endpoint.path}` : `tcp://${endpoint.host}:${endpoint.port}`
  const service = await startService(path, { DOCKER_HOST: dockerHost, VM_API_TEMPLATES_DIR: templates })
  const workspaces = `${service.url}/api/v1/workspaces`
  const { id, containerId } = await createRunning(workspaces)
  return {
    service,
    docker,
    dockerHost,
    containerId,
    urlOf: (suffix) => `${workspaces}/${id}${suffix}`,
    async close() {
      await fetch(`${workspaces}/${id}`, { method: 'DELETE', headers: userHeaders })
      await service.close()
      const db = new BetterSqlite3(path)
      const installationId = installationStore(db).id()
      db.close()
      await removeAll(docker, installationId)
    },
  }
}

async function createRunning(workspaces: string): Promise<{ id: string; containerId: string }> {
  const response = await fetch(workspaces, {
    method: 'POST',
    headers: { ...userHeaders, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench' }),
  })
  const { id } = workspaceSchema.parse(await response.json())
  for (;;) {
    const current = await fetch(`${workspaces}/${id}`, { headers: userHeaders })
    const { status, provider_id: containerId } = workspaceSchema.parse(await current.json())
    if (status === 'running' && containerId !== undefined) return { id, containerId }
    if (status !== 'creating') throw new Error(`the workspace is ${status} instead of running`)
    await new Promise((resolve) => setTimeout(resolve, 20)) // polls as clients do
  }
}
