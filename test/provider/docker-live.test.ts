import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Deadlines } from '../../src/provider/docker/deadlines.ts'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../src/provider/provider.ts'
import type { Recipe } from '../../src/workspace/recipe.ts'
import { clientOf, sweep } from '../engine/client.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { liveEngine, noEngine } from '../engine/live-engine.ts'
import { silentLog } from '../engine/silent-log.ts'
import {
  connectionOf,
  faultOf,
  made,
  newSubject,
  plainRecipe,
  printed,
  setup,
  stateOf,
  unhurried,
  up,
  valueOf,
} from './bench.ts'

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
  const docker = clientOf(target)
  const provider = (deadlines: Partial<Deadlines> = {}): Provider =>
    dockerProvider({ installation, docker: target, log: silentLog, deadlines })
  const subjectOf = (partial: Partial<Recipe> = {}) => newSubject(plainRecipe({ image: baseImage, ...partial }))
  const command = (run: string, name = 'postStartCommand') => ({ name, run })

  beforeAll(() => ensureBaseImage(docker))
  afterAll(async () => {
    for (const one of installations) await sweep(docker, one)
  })

  it('has limits, no host mounts, no privileges, and is restarted by nobody but us', async () => {
    const limits = { cpus: 1e6, memoryBytes: 64 * 2 ** 20, pids: 77 }
    const { id, containerId } = await made(provider(), subjectOf({ limits }))
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

  it('publishes its ports on loopback only, where the engine finds room', async () => {
    const subject = await up(
      provider(),
      subjectOf({ forwardPorts: [8080], postStart: [command('cd /etc && httpd -p 8080 -h /etc')] }),
    )
    valueOf(await setup(provider(), subject))
    const { ports } = await connectionOf(provider(), subject.id)
    const again = valueOf(await provider().boot(subject, unhurried()))
    expect(again.connection['ports']).toEqual(ports)
    const port = Object.values(typeof ports === 'object' ? ports : {})[0]
    expect(await (await fetch(`http://127.0.0.1:${port}/group`)).text()).toContain('dev:x:1000')
    const { NetworkSettings } = await docker.getContainer(subject.containerId).inspect()
    expect(NetworkSettings.Ports['8080/tcp']?.map(({ HostIp }) => HostIp)).toEqual(['127.0.0.1'])
  })

  it("reaches neither its neighbour nor the host's loopback", async () => {
    const server = createServer((_request, response) => response.end('the API'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('the API')

    const one = await up(provider(), subjectOf())
    const two = await up(provider(), subjectOf())
    const { NetworkSettings } = await docker.getContainer(one.containerId).inspect()
    const { IPAddress, Gateway } = Object.values(NetworkSettings.Networks)[0] ?? {}
    const fetched = (url: string) => `timeout 2 wget -q -O - ${url} 2>/dev/null || echo unreachable`
    // Itself it can reach: what fails below is not the server.
    const served = await printed(provider(), one, `httpd -p 8080 -h /etc; ${fetched(`http://${IPAddress}:8080/group`)}`)
    expect(served).toContain('dev:x:1000')
    expect(await printed(provider(), two, fetched(`http://${IPAddress}:8080/group`))).toBe('unreachable')
    expect(await printed(provider(), two, fetched(`http://${Gateway}:${port}/`))).toBe('unreachable')
    expect(await printed(provider(), two, fetched(`http://127.0.0.1:${port}/`))).toBe('unreachable')
    server.close()
  })

  it('shares one network with its neighbours, however many are made at once, by whichever process', async () => {
    const own = newInstallation()
    const services = [1, 2, 3].map(() => dockerProvider({ installation: own, docker: target, log: silentLog }))
    const subjects = await Promise.all(
      services.flatMap((service) => [made(service, subjectOf()), made(service, subjectOf())]),
    )
    const networks = await docker.listNetworks({ filters: { label: [`vm-api.installation=${own}`] } })
    expect(networks.length).toBe(1)
    const [service, subject] = [services[0], subjects[0]]
    if (service && subject) valueOf(await service.boot(subject, unhurried()))
  })

  it('starts again after its network was pruned while it was stopped', async () => {
    const own = newInstallation()
    const one = dockerProvider({ installation: own, docker: target, log: silentLog })
    const subject = await up(one, subjectOf())
    valueOf(await one.halt(subject, unhurried()))
    for (const { Id } of await docker.listNetworks({ filters: { label: [`vm-api.installation=${own}`] } })) {
      await docker.getNetwork(Id).remove({})
    }
    valueOf(await one.boot(subject, unhurried()))
    expect(await stateOf(one, subject.id)).toBe('running')
  })

  it('that was paused by hand counts as running, is woken by boot, and can be halted and removed', async () => {
    const subject = await up(provider(), subjectOf())
    const container = docker.getContainer(subject.containerId)
    await container.pause()
    expect(await stateOf(provider(), subject.id)).toBe('running')
    valueOf(await provider().boot(subject, unhurried()))
    expect((await container.inspect()).State.Paused).toBe(false)
    await container.pause()
    valueOf(await provider().halt(subject, unhurried()))
    valueOf(await provider().boot(subject, unhurried()))
    await container.pause()
    valueOf(await provider().remove(subject.id, null, unhurried()))
    expect(await stateOf(provider(), subject.id)).toBe('none')
  })

  it('whose own command ends at once is found out by setup, with the exit code and its last lines', async () => {
    const name = `vm-test/ends-${randomUUID()}`
    const blank = await docker.createContainer({ Image: baseImage, Cmd: ['true'] })
    const changes = 'CMD ["/bin/sh", "-c", "echo no such database; exit 4"]'
    await blank.commit({ repo: name, tag: '1', changes })
    await blank.remove({})
    const subject = await up(provider(), subjectOf({ image: `${name}:1`, overrideCommand: false }))
    await docker.getContainer(subject.containerId).wait({})
    const fault = faultOf(await setup(provider(), subject))
    expect(fault.message).toContain('exit code 4')
    expect(fault.message).toContain('no such database')
    valueOf(await provider().remove(subject.id, subject.containerId, unhurried()))
    await docker.getImage(`${name}:1`).remove({})
  })

  it('whose own command cannot be run is never going to start, and says why', async () => {
    const name = `vm-test/broken-${randomUUID()}`
    const blank = await docker.createContainer({ Image: baseImage, Cmd: ['true'] })
    await blank.commit({ repo: name, tag: '1', changes: 'CMD ["/no/such/program"]' })
    await blank.remove({})
    const subject = await made(provider(), subjectOf({ image: `${name}:1`, overrideCommand: false, init: false }))
    const fault = faultOf(await provider().boot(subject, unhurried()))
    expect(fault.again).toBe('never')
    expect(fault.message).toContain('/no/such/program')
    valueOf(await provider().remove(subject.id, subject.containerId, unhurried()))
    await docker.getImage(`${name}:1`).remove({})
  })

  it('lets its user write in the workspace folder', async () => {
    const subject = subjectOf({ remoteUser: 'dev', workspaceFolder: '/srv/space', onCreate: [command('touch mine')] })
    const booted = await up(provider(), subject)
    valueOf(await setup(provider(), booted))
    expect(await printed(provider(), booted, 'whoami; pwd; ls')).toBe('dev\n/srv/space\nmine')
  })

  it('has nothing left running of a command that took too long, its children neither', async () => {
    const subject = await up(provider(), subjectOf({ postStart: [command('echo begun; sleep 4321 & sleep 4321')] }))
    const fault = faultOf(await setup(provider({ command: 3_000 }), subject))
    expect(fault.again).toBe('never')
    expect(fault.message).toContain('postStartCommand did not end within')
    expect(fault.message).toContain('begun')
    // Asked of the engine, not by another setup, which would end leftovers itself.
    const top: { Processes: string[][] } = await docker.getContainer(subject.containerId).top()
    expect(top.Processes.flat().filter((text) => text.includes('sleep 4321'))).toEqual([])
    expect(top.Processes.flat().join('\n')).toContain('sleep 3600')
  })

  it('runs a command once at a time: what a setup that was cut off has left running is ended by the next', async () => {
    const script = 'echo x >> runs; if [ $(wc -l < runs) = 1 ]; then sleep 4321; fi'
    const subject = await up(provider(), subjectOf({ onCreate: [command(script, 'onCreateCommand')] }))
    expect((await provider().setup(subject, AbortSignal.timeout(500), () => {})).ok).toBe(false)
    valueOf(await setup(provider(), subject))
    expect(await printed(provider(), subject, 'cat runs; ps | grep -c "[s]leep 4321"')).toBe('x\nx\n0')
  })

  it('tells what its commands say while they run', async () => {
    const subject = await up(provider(), subjectOf({ postStart: [command('echo fetching; sleep 0.2')] }))
    const said: string[] = []
    valueOf(await provider().setup(subject, unhurried(), (text) => said.push(text)))
    expect(said).toEqual(['running postStartCommand', 'postStartCommand: fetching'])
  })
})
