import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dockerClient, removeAll } from '../engine/docker-client.ts'
import { canRunEngines, startEngine } from '../engine/engine-process.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { liveEngine, noEngine } from '../engine/live-engine.ts'
import { requirePrerequisite } from '../engine/require-engine.ts'
import type { StallingProxy } from '../engine/stalling-proxy.ts'
import { stallingProxy } from '../engine/stalling-proxy.ts'
import type { ServiceProcess } from './service-process.ts'
import { callApi, startServiceProcess, waitForWorkspace } from './service-process.ts'
import {
  createWorkspace,
  installationOf,
  listWorkspaces,
  readinessOf,
  createRunning,
  waitUntilRunning,
} from './service-fixture.ts'

const live = await liveEngine()
const possible = canRunEngines() && live?.endpoint.kind === 'socket'

const remove = ({ url }: ServiceProcess, id: string) => callApi(url, 'alice', 'DELETE', `/workspaces/${id}`)
const command = ({ url }: ServiceProcess, id: string, name: string) =>
  callApi(url, 'alice', 'POST', `/workspaces/${id}/${name}`)
const stateOf = ({ url }: ServiceProcess, id: string, state: string) =>
  waitForWorkspace(url, 'alice', id, (workspace) => workspace.state === state)

/** Polls the health of the service until the returned function is called, which returns the failures. */
function pollHealth({ url }: ServiceProcess): () => Promise<readonly unknown[]> {
  const failures: unknown[] = []
  const ended = new AbortController()
  const polling = (async () => {
    for (; !ended.signal.aborted; await delay(20)) {
      const status = await fetch(`${url}/health`).then(
        (response) => response.status,
        (error: unknown) => error,
      )
      if (status !== 200) failures.push(status)
    }
  })()
  return async () => {
    ended.abort()
    await polling
    return failures
  }
}

// The faults that last a minute start before the other tests and end after them, so that the suite is faster.
describe.skipIf(!requirePrerequisite(possible, 'reach an engine and run another'))(
  'engine trouble',
  { timeout: 150_000 },
  () => {
    let folder: string
    let docker: Docker
    const proxies: StallingProxy[] = []
    const services: ServiceProcess[] = []
    /** A proxy in front of the shared engine, and a service behind the proxy. */
    async function startBehindProxy(name: string) {
      const { endpoint } = live ?? noEngine
      const proxy = await stallingProxy(endpoint.kind === 'socket' ? endpoint.path : '')
      proxies.push(proxy)
      const service = await serviceAt(name, proxy.host)
      return { proxy, service }
    }
    async function serviceAt(name: string, host: string) {
      const service = await startServiceProcess({
        VM_API_DB_PATH: join(folder, `${name}.db`),
        VM_API_PROVIDER: 'docker',
        VM_API_TEMPLATES_DIR: join(folder, 'templates'),
        VM_API_PROVISIONER_INTERVAL: '1',
        DOCKER_HOST: host,
      })
      services.push(service)
      return service
    }
    const containersOf = (id: string) =>
      docker.listContainers({ all: true, filters: { label: [`vm-api.workspace=${id}`] } })

    let hanging: Awaited<ReturnType<typeof startBehindProxy>>
    let hungCreate: string
    let hungAt: number
    let doomed: string
    let withoutSocket: Awaited<ReturnType<typeof startBehindProxy>> & {
      readonly keptId: string
      readonly container: string
    }
    let disconnectedAt: number

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'vm-api-engine-trouble-'))
      mkdirSync(join(folder, 'templates', 'base'), { recursive: true })
      const base = { image: baseImage, init: false }
      writeFileSync(join(folder, 'templates', 'base', 'devcontainer.json'), JSON.stringify(base))
      docker = dockerClient(live ?? noEngine)
      await ensureBaseImage(docker)

      hanging = await startBehindProxy('hanging')
      hanging.proxy.stall(/^POST [^ ]*\/containers\/create.*"vm-api\.name":"hung/s)
      hungCreate = (await createWorkspace(hanging.service, 'hung')).body.id
      hungAt = performance.now()

      const { proxy, service } = await startBehindProxy('socketless')
      const { id, provider_id } = await createRunning(service, 'kept')
      withoutSocket = { proxy, service, keptId: id, container: provider_id ?? '' }
      await proxy.disconnect()
      disconnectedAt = performance.now()
    })

    afterAll(async () => {
      for (const service of services) await service.stop('SIGKILL')
      for (const proxy of proxies) await proxy.close()
      for (const path of ['hanging.db', 'socketless.db'].map((name) => join(folder, name)))
        if (existsSync(path)) await removeAll(docker, installationOf(path))
      rmSync(folder, { recursive: true, force: true })
    })

    test('a create that hangs in the engine delays no other workspace, and its delete succeeds', async () => {
      const { proxy, service } = hanging
      const health = pollHealth(service)
      doomed = (await createWorkspace(service, 'hung-too')).body.id
      await expect.poll(proxy.stalled).toHaveLength(2) // the proxy sends no notification
      proxy.unstall() // the two stalled requests stay stalled
      const { id } = await createRunning(service, 'other')
      await command(service, id, 'stop')
      await stateOf(service, id, 'stopped.idle')
      await command(service, id, 'start')
      await waitUntilRunning(service, id)
      expect(await remove(service, id)).toMatchObject({ status: 200 })
      expect(await containersOf(id)).toEqual([])
      expect((await listWorkspaces(service)).map(({ name, state }) => [name, state])).toEqual([
        ['hung-too', 'creating.container'],
        ['hung', 'creating.container'],
      ])
      expect(await containersOf(doomed)).toHaveLength(1)
      expect(await remove(service, doomed)).toMatchObject({ status: 200 })
      expect(await health()).toEqual([])
    })

    test('an engine whose socket disappears is waited for with the reason, and running workspaces are neither changed nor hidden', async () => {
      const { service, keptId, container } = withoutSocket
      const waiting = (await createWorkspace(service, 'waiting')).body.id
      const { status } = await waitForWorkspace(service.url, 'alice', waiting, ({ error_message: reason }) =>
        /waits for the engine.*Start the engine/.test(reason ?? ''),
      )
      expect(status).toBe('creating')
      expect(await readinessOf(service)).toMatchObject({ status: 503, body: { provider: 'disconnected' } })
      expect((await listWorkspaces(service)).find(({ id }) => id === keptId)).toMatchObject({
        state: 'running.up',
        provider_id: container,
      })
    })

    test('fifty creates during a restart of the killed engine become fifty running workspaces in fifty containers', {
      timeout: 400_000,
    }, async () => {
      const engine = await startEngine()
      try {
        const own = dockerClient(engine.target)
        await ensureBaseImage(own)
        const service = await serviceAt('killed', engine.target.description)
        const health = pollHealth(service)
        const creates = await Promise.all(Array.from({ length: 50 }, (_, n) => createWorkspace(service, `cut-${n}`)))
        expect(creates.filter(({ status }) => status !== 200)).toEqual([])
        // In the middle of the creates, which only the engine shows.
        await expect.poll(async () => (await own.listContainers()).length, { timeout: 30_000 }).toBeGreaterThan(5)
        await engine.kill()
        await engine.start()
        // The API shows workspaces from before the kill as running until the next reconciliation, so the engine is polled.
        await expect.poll(async () => (await own.listContainers()).length, { timeout: 240_000 }).toBe(50)
        const runningWorkspaces = await Promise.all(creates.map(({ body }) => waitUntilRunning(service, body.id)))
        const found = await own.listContainers({ all: true })
        expect(found).toHaveLength(50)
        expect(new Set(found.map(({ Id }) => Id))).toEqual(
          new Set(runningWorkspaces.map((workspace) => workspace.provider_id)),
        )
        expect(found.filter(({ State }) => State !== 'running')).toEqual([])
        expect(await health()).toEqual([])
      } finally {
        await engine.close()
      }
    })

    test('an engine whose socket is back after a minute completes the waiting requests, and running workspaces are unchanged', async () => {
      const { proxy, service, keptId, container } = withoutSocket
      const before = (await docker.getContainer(container).inspect()).State.StartedAt
      const waiting = await Promise.all(['a', 'b', 'c'].map((name) => createWorkspace(service, name)))
      await delay(60_000 - (performance.now() - disconnectedAt)) // the length of the outage is what is tested
      await proxy.reconnect()
      const all = await listWorkspaces(service)
      expect(all).toHaveLength(waiting.length + 2)
      for (const { id } of all) await waitUntilRunning(service, id)
      const { provider_id } = await waitUntilRunning(service, keptId)
      expect(provider_id).toBe(container)
      expect((await docker.getContainer(container).inspect()).State.StartedAt).toBe(before)
      for (const { id } of all) expect(await containersOf(id)).toHaveLength(1)
      await expect.poll(() => readinessOf(service)).toMatchObject({ status: 200 })
    })

    test('a create that hangs in the engine is aborted after a minute with the reason, and its retry adopts what the engine created', async () => {
      const { service } = hanging
      await delay(60_000 - (performance.now() - hungAt)) // tests that the create is not aborted earlier
      const { provider_id } = await waitUntilRunning(service, hungCreate)
      const { body: history } = await callApi(service.url, 'alice', 'GET', `/workspaces/${hungCreate}/history`)
      expect(history).toContainEqual(
        expect.objectContaining({
          event: 'container.failed',
          reason: expect.stringMatching(/could not .* within 60 s/),
        }),
      )
      expect((await containersOf(hungCreate)).map(({ Id }) => Id)).toEqual([provider_id])
      // The API hides a workspace that is being deleted, so the engine is polled.
      await expect.poll(() => containersOf(doomed), { timeout: 30_000 }).toEqual([])
    })
  },
)
