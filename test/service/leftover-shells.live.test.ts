import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import Database from 'better-sqlite3'
import { dockerClient } from '../engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { liveEngine, noEngine } from '../engine/live-engine.ts'
import { openShell } from '../http/shell/shell-client.ts'
import { callApi, startServiceProcess, waitForWorkspace } from './service-process.ts'

const engine = await liveEngine()

describe.skipIf(!engine)('a shell in a container', { timeout: 60_000 }, () => {
  const target = engine ?? noEngine
  const services: number[] = []
  let folder: string
  beforeAll(async () => {
    await ensureBaseImage(dockerClient(target))
    folder = mkdtempSync(join(tmpdir(), 'vm-api-shells-'))
    mkdirSync(join(folder, 'templates', 'base'), { recursive: true })
    writeFileSync(
      join(folder, 'templates', 'base', 'devcontainer.json'),
      JSON.stringify({ image: baseImage, init: false }),
    )
  })
  afterAll(() => {
    for (const pid of services)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // The process has ended, as expected.
      }
    rmSync(folder, { recursive: true, force: true })
  })

  async function start() {
    const service = await startServiceProcess({
      VM_API_DB_PATH: join(folder, 'vm.db'),
      VM_API_PROVIDER: 'docker',
      VM_API_TEMPLATES_DIR: join(folder, 'templates'),
      DOCKER_HOST: target.description,
    })
    services.push(service.pid)
    return service
  }
  const portOf = ({ url }: { url: string }) => Number(new URL(url).port)

  test('a shell that a killed service left in a container is killed by the next service and recorded as lost', async () => {
    const killed = await start()
    const { body } = await callApi(killed.url, 'alice', 'POST', '/workspaces', { name: 'left' })
    const id: string = body.id
    await waitForWorkspace(killed.url, 'alice', id, ({ state }) => state === 'running.up')
    const { body: workspace } = await callApi(killed.url, 'alice', 'GET', `/workspaces/${id}`)
    const container = dockerClient(target).getContainer(workspace.connection_info.container_id)
    const isRunning = async () => JSON.stringify((await container.top()).Processes).includes('sleep 4711')
    const leftoverShell = await openShell(portOf(killed), id)
    leftoverShell.type('echo $((6*7)); stty size\n')
    await leftoverShell.waitForScreen(/^42$/m)
    await leftoverShell.waitForScreen(/^24 80$/m)
    leftoverShell.type('trap "" HUP TERM; sleep 4711\n')
    await leftoverShell.waitForScreen(/sleep 4711$/m)
    await killed.stop('SIGKILL')
    expect(await isRunning()).toBe(true)
    const next = await start()
    try {
      const other = await openShell(portOf(next), id)
      // The service kills leftover shells in the background, without a notification.
      while (await isRunning()) await new Promise((resolve) => setTimeout(resolve, 20))
      other.type('exit 5\n')
      expect(await other.waitForNotice('ended')).toEqual({ type: 'ended', exit_code: 5 })
      await callApi(next.url, 'alice', 'DELETE', `/workspaces/${id}`)
    } finally {
      await next.stop('SIGTERM')
    }
    const db = new Database(join(folder, 'vm.db'), { readonly: true })
    const rows = db.prepare('SELECT kind, by, exit_code, error FROM execs ORDER BY started_at').all()
    db.close()
    expect(rows).toEqual([
      { kind: 'shell', by: 'user:alice', exit_code: null, error: 'lost' },
      { kind: 'shell', by: 'user:alice', exit_code: 5, error: null },
    ])
  })
})
