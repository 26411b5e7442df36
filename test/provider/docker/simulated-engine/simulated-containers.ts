import { randomBytes } from 'node:crypto'
import { jsonField, arrayField, stringField } from '../../../../src/provider/docker/engine/json-fields.ts'
import type { EngineRequest } from './simulated-engine.ts'
import { simulatedEvents } from './simulated-events.ts'

interface SimulatedContainer {
  readonly id: string
  readonly name: string
  readonly labels: Record<string, string>
  readonly network: string
  state: 'created' | 'running' | 'exited'
  exitCode: number
  finishedAt: string
}

/** The part of an engine's API that this project uses, in memory. */
export function simulatedContainers(firstImage: string) {
  const images = new Set([firstImage])
  const containers = new Map<string, SimulatedContainer>()
  const networks = simulatedNetworks()
  const execs = simulatedExecs()
  const events = simulatedEvents()

  function exitContainer(id: string, exitCode: number): void {
    const container = containers.get(id)
    if (container?.state !== 'running') return
    Object.assign(container, { state: 'exited', exitCode, finishedAt: new Date().toISOString() })
    events.publish('die', container.id, container.labels)
  }

  function removeContainer(id: string): void {
    const container = containers.get(id)
    exitContainer(id, 137)
    if (containers.delete(id) && container) events.publish('destroy', id, container.labels)
  }

  function createContainer({ query, body }: EngineRequest): Response {
    const image = stringField(body, 'Image') ?? ''
    if (!images.has(image)) return errorResponse(404, `No such image: ${image}`)
    const name = query.get('name') ?? randomId()
    const existing = [...containers.values()].find((container) => container.name === name)
    if (existing) {
      const reason = `The container name "/${name}" is already in use by container "${existing.id}".`
      return errorResponse(409, `Conflict. ${reason}`)
    }
    const labels = Object.fromEntries(
      Object.entries(jsonField(body, 'Labels') ?? {}).map(([key, value]) => [key, String(value)]),
    )
    const network = stringField(body, 'HostConfig', 'NetworkMode') ?? 'bridge'
    const id = randomId()
    const finishedAt = '0001-01-01T00:00:00Z'
    containers.set(id, { id, name, labels, network, state: 'created', exitCode: 0, finishedAt })
    return Response.json({ Id: id, Warnings: [] }, { status: 201 })
  }

  function handleContainerRequest(container: SimulatedContainer, action: string, request: EngineRequest): Response {
    const running = container.state === 'running'
    if (request.method === 'DELETE') {
      removeContainer(container.id)
      return noContent()
    }
    if (action === 'json') return inspectResponse(container)
    if (action === 'logs') return new Response('')
    if (action === 'start') {
      if (running) return new Response(null, { status: 304 })
      container.state = 'running'
      events.publish('start', container.id, container.labels)
      return noContent()
    }
    if (action === 'stop') {
      if (!running) return new Response(null, { status: 304 })
      exitContainer(container.id, 0)
      return noContent()
    }
    if (action !== 'exec') return errorResponse(404, 'page not found')
    return running ? execs.create(request) : errorResponse(409, `Container ${container.id} is not running`)
  }

  function handleRequest(request: EngineRequest): Response {
    const [, kind, id = '', action = ''] = request.path.split('/')
    if (kind === '_ping') return new Response('OK')
    if (kind === 'info') return Response.json({ NCPU: 4, MemTotal: 8e9 })
    if (kind === 'events') return events.subscribe(labelFilters(request))
    if (kind === 'images') {
      const image = decodeURIComponent(request.path.slice('/images/'.length, -'/json'.length))
      return images.has(image) ? Response.json({ Id: 'sha256:abc' }) : errorResponse(404, `No such image: ${image}`)
    }
    if (kind === 'networks') return networks.handleRequest(request)
    if (kind === 'exec') return execs.handleRequest(id, action)
    if (kind === 'containers' && id === 'create') return createContainer(request)
    if (kind === 'containers' && id === 'json')
      return Response.json([...containers.values()].filter(matchesFilters(request)).map(listEntry))
    const container = containers.get(id) ?? [...containers.values()].find(({ name }) => name === id)
    return container
      ? handleContainerRequest(container, action, request)
      : errorResponse(404, `No such container: ${id}`)
  }

  return {
    handleRequest,
    exitContainer,
    removeContainer,
    disconnectEvents: events.disconnect,
    addImage: (name: string): void => void images.add(name),
    listContainers: () => [...containers.values()].map(({ id, labels, state }) => ({ id, labels, state })),
    containersOf: (workspaceId: string): readonly string[] =>
      [...containers.values()].filter(({ labels }) => labels['vm-api.workspace'] === workspaceId).map(({ id }) => id),
  }
}

function simulatedNetworks() {
  const networks: { Id: string; Name: string; Labels: unknown; Created: string }[] = [
    { Id: randomId(), Name: 'bridge', Labels: {}, Created: new Date(Date.now() - 3_600_000).toISOString() },
  ]
  return {
    handleRequest({ path, body }: EngineRequest): Response {
      if (path !== '/networks/create') return Response.json(networks)
      const Name = stringField(body, 'Name') ?? ''
      const network = { Id: randomId(), Name, Labels: jsonField(body, 'Labels'), Created: new Date().toISOString() }
      networks.push(network)
      return Response.json({ Id: network.Id }, { status: 201 })
    },
  }
}

/** Commands without output that exit at once. `exit N` anywhere in a command is its exit code. */
function simulatedExecs() {
  const exitCodes = new Map<string, number>()
  return {
    create({ body }: EngineRequest): Response {
      const id = randomId()
      exitCodes.set(id, Number(/exit (\d+)/.exec(arrayField(body, 'Cmd').join(' '))?.[1] ?? 0))
      return Response.json({ Id: id }, { status: 201 })
    },
    handleRequest(id: string, action: string): Response {
      if (action === 'start') return new Response('')
      const ExitCode = exitCodes.get(id)
      return ExitCode === undefined
        ? errorResponse(404, `No such exec instance: ${id}`)
        : Response.json({ Running: false, ExitCode })
    },
  }
}

function inspectResponse({ id, name, labels, state, exitCode, finishedAt }: SimulatedContainer): Response {
  const State = {
    Status: state,
    Running: state === 'running',
    Paused: false,
    ExitCode: exitCode,
    OOMKilled: false,
    FinishedAt: finishedAt,
  }
  return Response.json({
    Id: id,
    Name: `/${name}`,
    Config: { Labels: labels },
    State,
    NetworkSettings: { Ports: {} },
  })
}

function listEntry({ id, name, labels, network, state }: SimulatedContainer): object {
  return { Id: id, Names: [`/${name}`], State: state, Labels: labels, Ports: [], HostConfig: { NetworkMode: network } }
}

function labelFilters({ query }: EngineRequest): readonly string[] {
  const filters: unknown = JSON.parse(query.get('filters') ?? '{}')
  return arrayField(filters, 'label').map(String)
}

function matchesFilters(request: EngineRequest): (container: SimulatedContainer) => boolean {
  const labels = labelFilters(request).map((label) => label.split('='))
  return (container) => labels.every(([key = '', value]) => container.labels[key] === value)
}

function noContent(): Response {
  return new Response(null, { status: 204 })
}

function errorResponse(status: number, message: string): Response {
  return Response.json({ message }, { status })
}

function randomId(): string {
  return randomBytes(32).toString('hex')
}
