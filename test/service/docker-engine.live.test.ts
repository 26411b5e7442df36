import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dockerClient } from '../engine/docker-client.ts'
import type { EngineProcess } from '../engine/engine-process.ts'
import { canRunEngines, startEngine } from '../engine/engine-process.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import type { ServiceProcess } from './service-process.ts'
import { callApi, startServiceProcess, waitForWorkspace } from './service-process.ts'

/** An image whose command uses up all memory after two seconds. */
const hungryImage = 'vm-test/hungry:latest'
const customizations = { 'vm-api': { memory: '64m' } }

// The complete service and a separate engine, both of which are killed for real.
describe.skipIf(!canRunEngines())('the service over a Docker engine', { timeout: 120_000 }, () => {
  let folder: string
  let engine: EngineProcess
  let service: ServiceProcess

  const start = () =>
    startServiceProcess({
      VM_API_DB_PATH: join(folder, 'vm.db'),
      VM_API_PROVIDER: 'docker',
      VM_API_TEMPLATES_DIR: join(folder, 'templates'),
      DOCKER_HOST: engine.target.description,
      VM_API_OPERATORS: 'root',
    })
  const make = async (name: string, template = 'base'): Promise<string> => {
    const { status, body } = await callApi(service.url, 'alice', 'POST', '/workspaces', { name, template })
    expect(status).toBe(200)
    return body.id
  }
  const running = (id: string) => waitForWorkspace(service.url, 'alice', id, ({ state }) => state === 'running.up')
  const containers = () => dockerClient(engine.target).listContainers({ all: true })
  const ready = async () => (await fetch(`${service.url}/health/ready`)).json()
  const clear = async () => {
    const { body } = await callApi(service.url, 'alice', 'GET', '/workspaces')
    for (const { id } of body) await callApi(service.url, 'alice', 'DELETE', `/workspaces/${id}`)
    expect(await containers()).toEqual([])
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vm-api-service-'))
    mkdirSync(join(folder, 'templates', 'base'), { recursive: true })
    // Without an init process: the engine of a test may not have one.
    const base = { image: baseImage, init: false, postCreateCommand: 'echo once >> made' }
    writeFileSync(join(folder, 'templates', 'base', 'devcontainer.json'), JSON.stringify(base))
    const hungryTemplate = { image: hungryImage, init: false, overrideCommand: false, customizations }
    mkdirSync(join(folder, 'templates', 'hungry'))
    writeFileSync(join(folder, 'templates', 'hungry', 'devcontainer.json'), JSON.stringify(hungryTemplate))
    engine = await startEngine()
    const docker = dockerClient(engine.target)
    await ensureBaseImage(docker)
    const [repo, tag] = hungryImage.split(':')
    const shell = await docker.createContainer({ Image: baseImage })
    await shell.commit({ repo, tag, changes: 'CMD ["sh", "-c", "sleep 2; exec tail /dev/zero"]' })
    await shell.remove()
    service = await start()
  })

  afterAll(async () => {
    await service.stop('SIGTERM')
    await engine.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('ten creates that a kill interrupts become ten running workspaces in ten containers after the next start', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => make(`cut-${n}`)))
    await service.stop('SIGKILL')
    service = await start()
    const up = await Promise.all(ids.map(running))
    const found = await containers()
    expect(new Set(found.map(({ Id }) => Id))).toEqual(new Set(up.map((workspace) => workspace.provider_id)))
    expect(found).toHaveLength(10)
    expect(found.every(({ State }) => State === 'running')).toBe(true)
    await clear()
  })

  test('workspaces run again after the engine was killed, requests meanwhile wait, and readiness reports the reason', async () => {
    const id = await make('before')
    const before = await running(id)
    await engine.kill()
    // Polled: the service notices the loss when its event stream ends.
    await expect.poll(ready, { timeout: 20_000 }).toMatchObject({ status: 'not_ready', provider: 'disconnected' })
    const meanwhile = await make('meanwhile')
    await waitForWorkspace(service.url, 'alice', meanwhile, ({ error_message }) =>
      /waits for the engine/.test(error_message ?? ''),
    )
    await engine.start()
    expect((await running(id)).provider_id).toBe(before.provider_id)
    await running(meanwhile)
    await expect.poll(ready, { timeout: 20_000 }).toMatchObject({ status: 'ready' })
    const { body: history } = await callApi(service.url, 'alice', 'GET', `/workspaces/${id}/history`)
    expect(history).toContainEqual(expect.objectContaining({ event: 'exited', to: 'stopped.starting.queued' }))
    await clear()
  })

  test('a container that a restored older database does not know is adopted with its files', async () => {
    const db = join(folder, 'vm.db')
    await service.stop('SIGTERM')
    copyFileSync(db, `${db}.older`)
    service = await start()
    const id = await make('young')
    const { provider_id = '' } = await running(id)
    const run = await dockerClient(engine.target)
      .getContainer(provider_id)
      .exec({ Cmd: ['sh', '-c', 'echo kept > note'], WorkingDir: '/' })
    await run.start({ Detach: true })
    await service.stop('SIGTERM')
    rmSync(`${db}-wal`, { force: true })
    copyFileSync(`${db}.older`, db)
    service = await start()
    const listOrphans = async () => (await callApi(service.url, 'root', 'GET', '/orphans')).body
    // Polled: nothing announces the end of the reconciliation.
    const labels = { owner: 'alice', name: 'young', template: 'base' }
    await expect.poll(listOrphans, { timeout: 20_000 }).toMatchObject([{ workspace: id, state: 'running', ...labels }])
    const adopted = await callApi(service.url, 'root', 'POST', `/orphans/${provider_id}/adopt`)
    expect(adopted.body).toMatchObject({ id, ...labels })
    expect((await running(id)).provider_id).toBe(provider_id)
    await dockerClient(engine.target).getContainer(provider_id).infoArchive({ path: '/note' }) // fails if the file does not exist
    expect(await listOrphans()).toEqual([])
    expect(await containers()).toHaveLength(1)
    await clear()
  })

  test('a container that is killed or removed by hand is reported with the reason, and start brings it back', async () => {
    const docker = dockerClient(engine.target)
    const id = await make('by-hand')
    const { provider_id: first = '' } = await running(id)
    await docker.getContainer(first).kill()
    const stopped = await waitForWorkspace(service.url, 'alice', id, ({ status }) => status === 'stopped')
    expect(stopped.error_message).toContain('exit code 137')
    await callApi(service.url, 'alice', 'POST', `/workspaces/${id}/start`)
    expect((await running(id)).provider_id).toBe(first)
    await docker.getContainer(first).remove({ force: true })
    const vanished = await waitForWorkspace(service.url, 'alice', id, ({ provider_id }) => provider_id === undefined)
    expect(vanished).toMatchObject({
      status: 'stopped',
      error_message: expect.stringContaining('removed by someone else'),
    })
    await callApi(service.url, 'alice', 'POST', `/workspaces/${id}/start`)
    expect((await running(id)).provider_id).not.toBe(first)
    await clear()
  })

  test('a workspace that runs out of memory fails with that reason, and can be deleted', async () => {
    const id = await make('hungry', 'hungry')
    const failed = await waitForWorkspace(service.url, 'alice', id, ({ status }) => status === 'failed')
    expect(failed.error_message).toContain('ran out of memory')
    expect(failed.can).toEqual(['start', 'update', 'delete'])
    await clear()
  })

  test('a delete while the engine is down succeeds, hides the workspace, and completes when the engine is back', async () => {
    const id = await make('leaving')
    await running(id)
    await engine.stop()
    expect(await callApi(service.url, 'alice', 'DELETE', `/workspaces/${id}`)).toMatchObject({ status: 200 })
    expect((await callApi(service.url, 'alice', 'GET', `/workspaces/${id}`)).status).toBe(404)
    await make('leaving') // the name is available again
    await engine.start()
    // The API hides a workspace that is being deleted, so the engine is polled.
    await expect
      .poll(async () => (await containers()).filter(({ Labels }) => Labels['vm-api.workspace'] === id), {
        timeout: 30_000,
      })
      .toEqual([])
    await clear()
  })
})
