import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type Docker from 'dockerode'
import BetterSqlite3 from 'better-sqlite3'
import { installation } from '../src/persistence/installation.ts'
import { clientOf, sweep } from '../test/engine/client.ts'
import { baseImage, ensureBaseImage } from '../test/engine/images.ts'
import { liveEngine } from '../test/engine/live-engine.ts'
import type { Server } from './server.ts'
import { startOn } from './service.ts'

export const noEngine = 'no Docker engine answers'
export const user = { 'x-user': 'bench' }

/** A service with one running workspace on a live engine, and what it takes to do the same without the service. */
export interface Inside {
  readonly service: Server
  readonly docker: Docker
  readonly containerId: string
  /** Where the docker client finds the engine. */
  readonly dockerHost: string
  /** The address of something below the workspace. */
  at(path: string): string
  close(): Promise<void>
}

/** Starts it on a database called `name` in `folder`; `null` if there is no engine. */
export async function inside(folder: string, name: string): Promise<Inside | null> {
  const target = await liveEngine()
  if (!target) return null
  const docker = clientOf(target)
  await ensureBaseImage(docker)
  const templates = join(folder, `${name}-templates`)
  mkdirSync(join(templates, 'base'), { recursive: true })
  const limits = { cpus: 2, memory: '2g', pids: 256 }
  const definition = { image: baseImage, init: false, customizations: { 'vm-api': limits } }
  writeFileSync(join(templates, 'base/devcontainer.json'), JSON.stringify(definition))
  const path = join(folder, `${name}.db`)
  const { at } = target
  const dockerHost = at.kind === 'socket' ? `unix://${at.path}` : `tcp://${at.host}:${at.port}`
  const service = await startOn(path, { DOCKER_HOST: dockerHost, VM_API_TEMPLATES_DIR: templates })
  const workspaces = `${service.url}/api/v1/workspaces`
  const { id, providerId } = await running(workspaces)
  return {
    service,
    docker,
    dockerHost,
    containerId: providerId,
    at: (below) => `${workspaces}/${id}${below}`,
    async close() {
      await fetch(`${workspaces}/${id}`, { method: 'DELETE', headers: user })
      await service.close()
      const db = new BetterSqlite3(path)
      const ours = installation(db).id()
      db.close()
      await sweep(docker, ours)
    },
  }
}

async function running(workspaces: string): Promise<{ id: string; providerId: string }> {
  const made = await fetch(workspaces, {
    method: 'POST',
    headers: { ...user, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench' }),
  })
  const { id } = Object(await made.json())
  for (;;) {
    const { status, provider_id: providerId } = Object(
      await (await fetch(`${workspaces}/${id}`, { headers: user })).json(),
    )
    if (status === 'running') return { id, providerId }
    if (status !== 'creating') throw new Error(`the workspace ended ${status}`)
    await new Promise((resolve) => setTimeout(resolve, 20)) // polled as clients do
  }
}
