import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineTimeouts } from '../../../../src/provider/docker/engine/engine-timeouts.ts'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../../../src/provider/provider.ts'
import type { WorkspaceSpec } from '../../../../src/workspace/spec.ts'
import { dockerClient, removeAll } from '../../../engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../../../engine/images.ts'
import { liveEngine, noEngine } from '../../../engine/live-engine.ts'
import { silentLog } from '../../../silent-log.ts'
import {
  connectionOf,
  faultOf,
  createdWorkspace,
  newWorkspaceRef,
  plainSpec,
  outputOfScript,
  runSetup,
  containerStateOf,
  neverAborted,
  runningWorkspace,
  valueOf,
} from '../../contract/provider-fixture.ts'

const live = await liveEngine()
const target = live ?? noEngine
const installations: string[] = []
function newInstallation(): string {
  const installation = randomUUID()
  installations.push(installation)
  return installation
}
const installation = newInstallation()

describe.skipIf(live === undefined)('A workspace on a live engine', () => {
  const docker = dockerClient(target)
  const provider = (timeouts: Partial<EngineTimeouts> = {}): Provider =>
    dockerProvider({ installation, target, log: silentLog, timeouts })
  const newWorkspace = (partial: Partial<WorkspaceSpec> = {}) =>
    newWorkspaceRef(plainSpec({ image: baseImage, ...partial }))
  const command = (run: string, name = 'postStartCommand') => ({ name, run })

  beforeAll(() => ensureBaseImage(docker))
  afterAll(async () => {
    for (const id of installations) await removeAll(docker, id)
  })

  it('has limits, no host mounts, no privileges and no restart policy', async () => {
    const limits = { cpus: 1e6, memoryBytes: 64 * 2 ** 20, pids: 77 }
    const { id, containerId } = await createdWorkspace(provider(), newWorkspace({ limits }))
    const { Name, Config, HostConfig } = await docker.getContainer(containerId).inspect()
    expect(Name).toBe(`/vm-api-${id}`)
    expect(Config.Labels).toMatchObject({ 'vm-api.installation': installation, 'vm-api.workspace': id })
    const { NCPU }: { NCPU: number } = await docker.info()
    expect(HostConfig).toMatchObject({
      NanoCpus: NCPU * 1e9,
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      PidsLimit: 77,
      Privileged: false,
      Binds: null,
      CapAdd: null,
      RestartPolicy: { Name: 'no' },
    })
  })

  it('publishes its ports on loopback only, on host ports that the engine picks', async () => {
    const workspace = await runningWorkspace(
      provider(),
      newWorkspace({ forwardPorts: [8080], postStart: [command('cd /etc && httpd -p 8080 -h /etc')] }),
    )
    valueOf(await runSetup(provider(), workspace))
    const { ports } = await connectionOf(provider(), workspace.id)
    const secondBoot = valueOf(await provider().boot(workspace, neverAborted()))
    expect(secondBoot.connection['ports']).toEqual(ports)
    const port = Object.values(typeof ports === 'object' ? ports : {})[0]
    expect(await (await fetch(`http://127.0.0.1:${port}/group`)).text()).toContain('dev:x:1000')
    const { NetworkSettings } = await docker.getContainer(workspace.containerId).inspect()
    expect(NetworkSettings.Ports['8080/tcp']?.map(({ HostIp }) => HostIp)).toEqual(['127.0.0.1'])
  })

  it("reaches neither its neighbour nor the host's loopback", async () => {
    const server = createServer((_request, response) => response.end('the API'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('the API')

    const webServer = await runningWorkspace(provider(), newWorkspace())
    const neighbour = await runningWorkspace(provider(), newWorkspace())
    const { NetworkSettings } = await docker.getContainer(webServer.containerId).inspect()
    const { IPAddress, Gateway } = Object.values(NetworkSettings.Networks)[0] ?? {}
    const fetchCommand = (url: string) => `timeout 2 wget -q -O - ${url} 2>/dev/null || echo unreachable`
    // It reaches itself, so the failures below are not the server's.
    const served = await outputOfScript(
      provider(),
      webServer,
      `httpd -p 8080 -h /etc; ${fetchCommand(`http://${IPAddress}:8080/group`)}`,
    )
    expect(served).toContain('dev:x:1000')
    expect(await outputOfScript(provider(), neighbour, fetchCommand(`http://${IPAddress}:8080/group`))).toBe(
      'unreachable',
    )
    expect(await outputOfScript(provider(), neighbour, fetchCommand(`http://${Gateway}:${port}/`))).toBe('unreachable')
    expect(await outputOfScript(provider(), neighbour, fetchCommand(`http://127.0.0.1:${port}/`))).toBe('unreachable')
    server.close()
  })

  it('shares one network with its neighbours, even if several processes create them concurrently', async () => {
    const ownInstallation = newInstallation()
    const services = [1, 2, 3].map(() => dockerProvider({ installation: ownInstallation, target, log: silentLog }))
    const workspaces = await Promise.all(
      services.flatMap((service) => [
        createdWorkspace(service, newWorkspace()),
        createdWorkspace(service, newWorkspace()),
      ]),
    )
    const networks = await docker.listNetworks({ filters: { label: [`vm-api.installation=${ownInstallation}`] } })
    expect(networks.length).toBe(1)
    const [service, workspace] = [services[0], workspaces[0]]
    if (service && workspace) valueOf(await service.boot(workspace, neverAborted()))
  })

  it('starts again after its network was pruned while it was stopped', async () => {
    const ownInstallation = newInstallation()
    const service = dockerProvider({ installation: ownInstallation, target, log: silentLog })
    const workspace = await runningWorkspace(service, newWorkspace())
    valueOf(await service.stop(workspace, neverAborted()))
    for (const { Id } of await docker.listNetworks({
      filters: { label: [`vm-api.installation=${ownInstallation}`] },
    })) {
      await docker.getNetwork(Id).remove({})
    }
    valueOf(await service.boot(workspace, neverAborted()))
    expect(await containerStateOf(service, workspace.id)).toBe('running')
  })

  it('that was paused by hand counts as running, is unpaused by boot, and can be stopped and removed', async () => {
    const workspace = await runningWorkspace(provider(), newWorkspace())
    const container = docker.getContainer(workspace.containerId)
    await container.pause()
    expect(await containerStateOf(provider(), workspace.id)).toBe('running')
    valueOf(await provider().boot(workspace, neverAborted()))
    expect((await container.inspect()).State.Paused).toBe(false)
    await container.pause()
    valueOf(await provider().stop(workspace, neverAborted()))
    valueOf(await provider().boot(workspace, neverAborted()))
    await container.pause()
    valueOf(await provider().remove(workspace.id, null, neverAborted()))
    expect(await containerStateOf(provider(), workspace.id)).toBe('none')
  })

  it("whose image's command exits at once fails in setup, with the exit code and the last lines of output", async () => {
    const name = `vm-test/ends-${randomUUID()}`
    const blank = await docker.createContainer({ Image: baseImage, Cmd: ['true'] })
    const changes = 'CMD ["/bin/sh", "-c", "echo no such database; exit 4"]'
    await blank.commit({ repo: name, tag: '1', changes })
    await blank.remove({})
    const workspace = await runningWorkspace(provider(), newWorkspace({ image: `${name}:1`, overrideCommand: false }))
    await docker.getContainer(workspace.containerId).wait({})
    const fault = faultOf(await runSetup(provider(), workspace))
    expect(fault.message).toContain('exit code 4')
    expect(fault.message).toContain('no such database')
    valueOf(await provider().remove(workspace.id, workspace.containerId, neverAborted()))
    await docker.getImage(`${name}:1`).remove({})
  })

  it("whose image's command cannot be executed is a permanent fault with the reason", async () => {
    const name = `vm-test/broken-${randomUUID()}`
    const blank = await docker.createContainer({ Image: baseImage, Cmd: ['true'] })
    await blank.commit({ repo: name, tag: '1', changes: 'CMD ["/no/such/program"]' })
    await blank.remove({})
    const workspace = await createdWorkspace(
      provider(),
      newWorkspace({ image: `${name}:1`, overrideCommand: false, init: false }),
    )
    const fault = faultOf(await provider().boot(workspace, neverAborted()))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain('/no/such/program')
    valueOf(await provider().remove(workspace.id, workspace.containerId, neverAborted()))
    await docker.getImage(`${name}:1`).remove({})
  })

  it('lets its user write in the workspace folder', async () => {
    const workspace = newWorkspace({
      remoteUser: 'dev',
      workspaceFolder: '/srv/space',
      onCreate: [command('touch created')],
    })
    const booted = await runningWorkspace(provider(), workspace)
    valueOf(await runSetup(provider(), booted))
    expect(await outputOfScript(provider(), booted, 'whoami; pwd; ls')).toBe('dev\n/srv/space\ncreated')
  })

  it('has no leftover process of a lifecycle command that timed out, children included', async () => {
    const workspace = await runningWorkspace(
      provider(),
      newWorkspace({ postStart: [command('echo started; sleep 4321 & sleep 4321')] }),
    )
    const fault = faultOf(await runSetup(provider({ commandMs: 3_000 }), workspace))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain('postStartCommand did not finish within 3 seconds and was killed')
    expect(fault.message).toContain('started')
    // Listed by the engine, because another setup would kill leftovers itself.
    const processesIn: { Processes: string[][] } = await docker.getContainer(workspace.containerId).top()
    expect(processesIn.Processes.flat().filter((text) => text.includes('sleep 4321'))).toEqual([])
    expect(processesIn.Processes.flat().join('\n')).toContain('sleep 3600')
  })

  it('never runs a lifecycle command twice concurrently: a setup kills the processes that an interrupted setup left', async () => {
    const script = 'echo x >> runs; if [ $(wc -l < runs) = 1 ]; then sleep 4321; fi'
    const workspace = await runningWorkspace(
      provider(),
      newWorkspace({ onCreate: [command(script, 'onCreateCommand')] }),
    )
    expect((await provider().setup(workspace, AbortSignal.timeout(500), () => {})).ok).toBe(false)
    valueOf(await runSetup(provider(), workspace))
    expect(await outputOfScript(provider(), workspace, 'cat runs; ps | grep -c "[s]leep 4321"')).toBe('x\nx\n0')
  })

  it('reports the output of its lifecycle commands as progress', async () => {
    const workspace = await runningWorkspace(
      provider(),
      newWorkspace({ postStart: [command('echo fetching; sleep 0.2')] }),
    )
    const messages: string[] = []
    valueOf(await provider().setup(workspace, neverAborted(), (text) => messages.push(text)))
    expect(messages).toEqual(['running postStartCommand', 'postStartCommand: fetching'])
  })
})
