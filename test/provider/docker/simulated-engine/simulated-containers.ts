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
  code: number
  finished: string
}

/**
 * The part of an engine's API that this project uses, in memory. Commands are simulated: a command whose text contains
 * `exit N` exits with N.
 */
export function simulatedContainers(firstImage: string) {
  const images = new Set([firstImage])
  const containers = new Map<string, SimulatedContainer>()
  const networks: { Id: string; Name: string; Labels: unknown; Created: string }[] = [
    { Id: randomId(), Name: 'bridge', Labels: {}, Created: new Date(Date.now() - 3_600_000).toISOString() },
  ]
  const execs = new Map<string, number>()
  const events = simulatedEvents()

  function exitContainer(id: string, code: number): void {
    const container = containers.get(id)
    if (container?.state !== 'running') return
    Object.assign(container, { state: 'exited', code, finished: new Date().toISOString() })
    events.publish('die', container.id, container.labels)
  }

  function removeContainer(id: string): void {
    const container = containers.get(id)
    exitContainer(id, 137)
    if (containers.delete(id) && container) events.publish('destroy', id, container.labels)
  }

  function create({ query, body }: EngineRequest): Response {
    const image = stringField(body, 'Image') ?? ''
    if (!images.has(image)) return errorResponse(404, `No such image: ${image}`)
    const name = query.get('name') ?? randomId()
    const existing = [...containers.values()].find((container) => container.name === name)
    if (existing)
      return errorResponse(
        409,
        `Conflict. The container name "/${name}" is already in use by container "${existing.id}".`,
      )
    const labels = Object.fromEntries(
      Object.entries(jsonField(body, 'Labels') ?? {}).map(([key, value]) => [key, String(value)]),
    )
    const network = stringField(body, 'HostConfig', 'NetworkMode') ?? 'bridge'
    const id = randomId()
    containers.set(id, { id, name, labels, network, state: 'created', code: 0, finished: '0001-01-01T00:00:00Z' })
    return Response.json({ Id: id, Warnings: [] }, { status: 201 })
  }

  function inspect({ id, name, labels, state, code, finished }: SimulatedContainer): Response {
    const State = {
      Status: state,
      Running: state === 'running',
      Paused: false,
      ExitCode: code,
      OOMKilled: false,
      FinishedAt: finished,
    }
    return Response.json({
      Id: id,
      Name: `/${name}`,
      Config: { Labels: labels },
      State,
      NetworkSettings: { Ports: {} },
    })
  }

  function handleContainerRequest(
    container: SimulatedContainer,
    action: string,
    { method, body }: EngineRequest,
  ): Response {
    if (method === 'DELETE') {
      removeContainer(container.id)
      return noContent()
    }
    if (action === 'json') return inspect(container)
    if (action === 'logs') return new Response('')
    if (action === 'start') {
      if (container.state === 'running') return new Response(null, { status: 304 })
      container.state = 'running'
      events.publish('start', container.id, container.labels)
      return noContent()
    }
    if (action === 'stop') {
      if (container.state !== 'running') return new Response(null, { status: 304 })
      exitContainer(container.id, 0)
      return noContent()
    }
    if (action !== 'exec') return errorResponse(404, 'page not found')
    if (container.state !== 'running') return errorResponse(409, `Container ${container.id} is not running`)
    const id = randomId()
    // The first seven arguments belong to the wrapper.
    const command = arrayField(body, 'Cmd').slice(7).join(' ')
    execs.set(id, Number(/exit (\d+)/.exec(command)?.[1] ?? 0))
    return Response.json({ Id: id }, { status: 201 })
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
    if (kind === 'networks' && id === 'create') {
      networks.push({
        Id: randomId(),
        Name: stringField(request.body, 'Name') ?? '',
        Labels: jsonField(request.body, 'Labels'),
        Created: new Date().toISOString(),
      })
      return Response.json({ Id: networks.at(-1)?.Id }, { status: 201 })
    }
    if (kind === 'networks') return Response.json(networks)
    if (kind === 'exec') {
      const code = execs.get(id)
      return code === undefined
        ? errorResponse(404, `No such exec instance: ${id}`)
        : Response.json({ Running: false, ExitCode: code })
    }
    if (kind === 'containers' && id === 'create') return create(request)
    if (kind === 'containers' && id === 'json')
      return Response.json([...containers.values()].filter(matchesFilters(request)).map(listEntry))
    const container = containers.get(id) ?? [...containers.values()].find((container) => container.name === id)
    return container
      ? handleContainerRequest(container, action, request)
      : errorResponse(404, `No such container: ${id}`)
  }

  return {
    handleRequest,
    /** The output of every command: the line with which the wrapper reports the start. */
    execOutput: (): Buffer => Buffer.from([1, 0, 0, 0, 0, 0, 0, 4, ...Buffer.from('9 1\n')]),
    exitContainer,
    removeContainer,
    disconnectEvents: events.disconnect,
    addImage: (name: string): void => void images.add(name),
    listContainers: () => [...containers.values()].map(({ id, labels, state }) => ({ id, labels, state })),
    containersOf: (workspaceId: string): readonly string[] =>
      [...containers.values()].filter(({ labels }) => labels['vm-api.workspace'] === workspaceId).map(({ id }) => id),
  }
}

function labelFilters({ query }: EngineRequest): readonly string[] {
  const filters: unknown = JSON.parse(query.get('filters') ?? '{}')
  return arrayField(filters, 'label').map(String)
}

function matchesFilters(request: EngineRequest): (container: SimulatedContainer) => boolean {
  const labels = labelFilters(request).map((label) => label.split('='))
  return (container) => labels.every(([key = '', value]) => container.labels[key] === value)
}

function listEntry({ id, name, labels, network, state }: SimulatedContainer): object {
  return { Id: id, Names: [`/${name}`], State: state, Labels: labels, Ports: [], HostConfig: { NetworkMode: network } }
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
