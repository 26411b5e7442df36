import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientOf, sweep } from '../engine/client.ts'
import { mayRunEngines, startEngine } from '../engine/engine-process.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { liveEngine, noEngine } from '../engine/live-engine.ts'
import { orRequired } from '../engine/required.ts'
import type { StallingProxy } from '../engine/stalling-proxy.ts'
import { stallingProxy } from '../engine/stalling-proxy.ts'
import type { ChildService } from './child-service.ts'
import { call, startChild, until } from './child-service.ts'
import { create, installationOf, list, readiness, running, up } from './trouble.ts'

const live = await liveEngine()
const possible = mayRunEngines() && live?.at.kind === 'socket'

const remove = ({ url }: ChildService, id: string) => call(url, 'alice', 'DELETE', `/workspaces/${id}`)
const command = ({ url }: ChildService, id: string, name: string) =>
  call(url, 'alice', 'POST', `/workspaces/${id}/${name}`)
const stateOf = ({ url }: ChildService, id: string, state: string) =>
  until(url, 'alice', id, (it) => it.state === state)

/** Asks for the service's health all the time. Answers how often it was not answered well, when it is told to end. */
function askHealth({ url }: ChildService): () => Promise<readonly unknown[]> {
  const bad: unknown[] = []
  const ended = new AbortController()
  const asking = (async () => {
    for (; !ended.signal.aborted; await delay(20)) {
      const status = await fetch(`${url}/health`).then(
        (answer) => answer.status,
        (error: unknown) => error,
      )
      if (status !== 200) bad.push(status)
    }
  })()
  return async () => {
    ended.abort()
    await asking
    return bad
  }
}

// What takes a minute goes on while other tests run: the first engine trouble begins before them and ends after them.
describe.skipIf(!orRequired(possible, 'reach an engine and run another'))(
  'engine trouble',
  { timeout: 150_000 },
  () => {
    let folder: string
    let docker: Docker
    const proxies: StallingProxy[] = []
    const services: ChildService[] = []
    /** A proxy before the engine that everybody shares, and a service behind it. */
    async function behindProxy(name: string) {
      const { at } = live ?? noEngine
      const proxy = await stallingProxy(at.kind === 'socket' ? at.path : '')
      proxies.push(proxy)
      const service = await serviceAt(name, proxy.host)
      return { proxy, service }
    }
    async function serviceAt(name: string, host: string) {
      const service = await startChild({
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

    let hanging: Awaited<ReturnType<typeof behindProxy>>
    let hung: string
    let hungAt: number
    let doomed: string
    let socketless: Awaited<ReturnType<typeof behindProxy>> & { readonly kept: string; readonly container: string }
    let goneAt: number

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'vm-api-engine-trouble-'))
      mkdirSync(join(folder, 'templates', 'base'), { recursive: true })
      const base = { image: baseImage, init: false }
      writeFileSync(join(folder, 'templates', 'base', 'devcontainer.json'), JSON.stringify(base))
      docker = clientOf(live ?? noEngine)
      await ensureBaseImage(docker)

      hanging = await behindProxy('hanging')
      hanging.proxy.stall(/^POST [^ ]*\/containers\/create.*"vm-api\.name":"hung/s)
      hung = (await create(hanging.service, 'hung')).body.id
      hungAt = performance.now()

      const { proxy, service } = await behindProxy('socketless')
      const { id, provider_id } = await running(service, 'kept')
      socketless = { proxy, service, kept: id, container: provider_id ?? '' }
      await proxy.vanish()
      goneAt = performance.now()
    })

    afterAll(async () => {
      for (const service of services) await service.end('SIGKILL')
      for (const proxy of proxies) await proxy.close()
      for (const path of ['hanging.db', 'socketless.db'].map((name) => join(folder, name)))
        if (existsSync(path)) await sweep(docker, installationOf(path))
      rmSync(folder, { recursive: true, force: true })
    })

    test('a create that hangs in the engine holds up nobody else, and its delete is answered', async () => {
      const { proxy, service } = hanging
      const health = askHealth(service)
      doomed = (await create(service, 'hung-too')).body.id
      await expect.poll(proxy.stalled).toHaveLength(2) // the proxy tells nobody
      proxy.relent() // those two hang on
      const { id } = await running(service, 'other')
      await command(service, id, 'stop')
      await stateOf(service, id, 'stopped.idle')
      await command(service, id, 'start')
      await up(service, id)
      expect(await remove(service, id)).toMatchObject({ status: 200 })
      expect(await containersOf(id)).toEqual([])
      expect((await list(service)).map(({ name, state }) => [name, state])).toEqual([
        ['hung-too', 'creating.container'],
        ['hung', 'creating.container'],
      ])
      expect(await containersOf(doomed)).toHaveLength(1)
      expect(await remove(service, doomed)).toMatchObject({ status: 200 })
      expect(await health()).toEqual([])
    })

    test('an engine whose socket is gone is waited for, with the reason, and what ran before is neither touched nor hidden', async () => {
      const { service, kept, container } = socketless
      const waiting = (await create(service, 'waiting')).body.id
      const { status } = await until(service.url, 'alice', waiting, ({ error_message: reason }) =>
        /waits for the engine.*Start the engine/.test(reason ?? ''),
      )
      expect(status).toBe('creating')
      expect(await readiness(service)).toMatchObject({ status: 503, body: { provider: 'disconnected' } })
      expect((await list(service)).find(({ id }) => id === kept)).toMatchObject({
        state: 'running.up',
        provider_id: container,
      })
    })

    test('fifty creates during which the engine is killed and started again are fifty running workspaces in fifty containers', {
      timeout: 400_000,
    }, async () => {
      const engine = await startEngine()
      try {
        const own = clientOf(engine.target)
        await ensureBaseImage(own)
        const service = await serviceAt('killed', engine.target.described)
        const health = askHealth(service)
        const made = await Promise.all(Array.from({ length: 50 }, (_, n) => create(service, `cut-${n}`)))
        expect(made.filter(({ status }) => status !== 200)).toEqual([])
        // In the middle of them, of which the engine alone tells.
        await expect.poll(async () => (await own.listContainers()).length, { timeout: 30_000 }).toBeGreaterThan(5)
        await engine.kill()
        await engine.start()
        // What was up before the kill is shown so until the service has looked again: that all run is true at one moment only, late.
        await expect.poll(async () => (await own.listContainers()).length, { timeout: 240_000 }).toBe(50)
        const ups = await Promise.all(made.map(({ body }) => up(service, body.id)))
        const found = await own.listContainers({ all: true })
        expect(found).toHaveLength(50)
        expect(new Set(found.map(({ Id }) => Id))).toEqual(new Set(ups.map((it) => it.provider_id)))
        expect(found.filter(({ State }) => State !== 'running')).toEqual([])
        expect(await health()).toEqual([])
      } finally {
        await engine.close()
      }
    })

    test('an engine whose socket is back after a minute goes on with all that waited, and with what ran before as it was', async () => {
      const { proxy, service, kept, container } = socketless
      const before = (await docker.getContainer(container).inspect()).State.StartedAt
      const waiting = await Promise.all(['a', 'b', 'c'].map((name) => create(service, name)))
      await delay(60_000 - (performance.now() - goneAt)) // that it was gone for so long is what is tested
      await proxy.appear()
      const all = await list(service)
      expect(all).toHaveLength(waiting.length + 2)
      for (const { id } of all) await up(service, id)
      const { provider_id } = await up(service, kept)
      expect(provider_id).toBe(container)
      expect((await docker.getContainer(container).inspect()).State.StartedAt).toBe(before)
      for (const { id } of all) expect(await containersOf(id)).toHaveLength(1)
      await expect.poll(() => readiness(service)).toMatchObject({ status: 200 })
    })

    test('a create that hangs in the engine is given up after a minute, with the reason, and goes on with what the engine made of it', async () => {
      const { service } = hanging
      await delay(60_000 - (performance.now() - hungAt)) // that nobody gives it up before is what is tested
      const { provider_id } = await up(service, hung)
      const { body: history } = await call(service.url, 'alice', 'GET', `/workspaces/${hung}/history`)
      expect(history).toContainEqual(
        expect.objectContaining({
          event: 'container.failed',
          reason: expect.stringMatching(/could not .* within 60 s/),
        }),
      )
      expect((await containersOf(hung)).map(({ Id }) => Id)).toEqual([provider_id])
      // The API does not show what is being deleted: the engine says when it is gone.
      await expect.poll(() => containersOf(doomed), { timeout: 30_000 }).toEqual([])
    })
  },
)
