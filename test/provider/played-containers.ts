import { randomBytes } from 'node:crypto'
import { field, list, text } from '../../src/provider/docker/shape.ts'
import type { Asked } from './engine-played.ts'
import { playedEvents } from './played-events.ts'

interface Container {
  readonly id: string
  readonly name: string
  readonly labels: Record<string, string>
  readonly network: string
  state: 'created' | 'running' | 'exited'
  code: number
  finished: string
}

/**
 * The part of an engine that its clients of this project use, in memory. Commands are imitated: `exit N` in their text
 * is how they end.
 */
export function playedContainers(firstImage: string) {
  const images = new Set([firstImage])
  const containers = new Map<string, Container>()
  const networks: { Id: string; Name: string; Labels: unknown; Created: string }[] = [
    { Id: hex(), Name: 'bridge', Labels: {}, Created: new Date(Date.now() - 3_600_000).toISOString() },
  ]
  const execs = new Map<string, number>()
  const events = playedEvents()

  function die(id: string, code: number): void {
    const container = containers.get(id)
    if (container?.state !== 'running') return
    Object.assign(container, { state: 'exited', code, finished: new Date().toISOString() })
    events.tell('die', container.id, container.labels)
  }

  function vanish(id: string): void {
    const container = containers.get(id)
    die(id, 137)
    if (containers.delete(id) && container) events.tell('destroy', id, container.labels)
  }

  function create({ query, body }: Asked): Response {
    const image = text(body, 'Image') ?? ''
    if (!images.has(image)) return refuse(404, `No such image: ${image}`)
    const name = query.get('name') ?? hex()
    const taken = [...containers.values()].find((container) => container.name === name)
    if (taken)
      return refuse(409, `Conflict. The container name "/${name}" is already in use by container "${taken.id}".`)
    const labels = Object.fromEntries(
      Object.entries(field(body, 'Labels') ?? {}).map(([key, value]) => [key, String(value)]),
    )
    const network = text(body, 'HostConfig', 'NetworkMode') ?? 'bridge'
    const id = hex()
    containers.set(id, { id, name, labels, network, state: 'created', code: 0, finished: '0001-01-01T00:00:00Z' })
    return Response.json({ Id: id, Warnings: [] }, { status: 201 })
  }

  function inspect({ id, name, labels, state, code, finished }: Container): Response {
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

  function verb(container: Container, name: string, { method, body }: Asked): Response {
    if (method === 'DELETE') {
      vanish(container.id)
      return done()
    }
    if (name === 'json') return inspect(container)
    if (name === 'logs') return new Response('')
    if (name === 'start') {
      if (container.state === 'running') return new Response(null, { status: 304 })
      container.state = 'running'
      events.tell('start', container.id, container.labels)
      return done()
    }
    if (name === 'stop') {
      if (container.state !== 'running') return new Response(null, { status: 304 })
      die(container.id, 0)
      return done()
    }
    if (name !== 'exec') return refuse(404, 'page not found')
    if (container.state !== 'running') return refuse(409, `Container ${container.id} is not running`)
    const id = hex()
    execs.set(id, Number(/exit (\d+)/.exec(list(body, 'Cmd').join(' '))?.[1] ?? 0))
    return Response.json({ Id: id }, { status: 201 })
  }

  function answer(asked: Asked): Response {
    const [, kind, id = '', name = ''] = asked.path.split('/')
    if (kind === '_ping') return new Response('OK')
    if (kind === 'info') return Response.json({ NCPU: 4, MemTotal: 8e9 })
    if (kind === 'events') return events.open(labelsAsked(asked))
    if (kind === 'images') {
      const image = decodeURIComponent(asked.path.slice('/images/'.length, -'/json'.length))
      return images.has(image) ? Response.json({ Id: 'sha256:abc' }) : refuse(404, `No such image: ${image}`)
    }
    if (kind === 'networks' && id === 'create') {
      networks.push({
        Id: hex(),
        Name: text(asked.body, 'Name') ?? '',
        Labels: field(asked.body, 'Labels'),
        Created: new Date().toISOString(),
      })
      return Response.json({ Id: networks.at(-1)?.Id }, { status: 201 })
    }
    if (kind === 'networks') return Response.json(networks)
    if (kind === 'exec') {
      const code = execs.get(id)
      if (name === 'start') return new Response('')
      return code === undefined
        ? refuse(404, `No such exec instance: ${id}`)
        : Response.json({ Running: false, ExitCode: code })
    }
    if (kind === 'containers' && id === 'create') return create(asked)
    if (kind === 'containers' && id === 'json')
      return Response.json([...containers.values()].filter(fits(asked)).map(entry))
    const container = containers.get(id) ?? [...containers.values()].find((one) => one.name === id)
    return container ? verb(container, name, asked) : refuse(404, `No such container: ${id}`)
  }

  return {
    answer,
    die,
    vanish,
    cutEvents: events.cut,
    addImage: (name: string): void => void images.add(name),
    all: () => [...containers.values()].map(({ id, labels, state }) => ({ id, labels, state })),
    containersOf: (workspaceId: string): readonly string[] =>
      [...containers.values()].filter(({ labels }) => labels['vm-api.workspace'] === workspaceId).map(({ id }) => id),
  }
}

function labelsAsked({ query }: Asked): readonly string[] {
  const filters: unknown = JSON.parse(query.get('filters') ?? '{}')
  return list(filters, 'label').map(String)
}

function fits(asked: Asked): (container: Container) => boolean {
  const labels = labelsAsked(asked).map((label) => label.split('='))
  return (container) => labels.every(([key = '', value]) => container.labels[key] === value)
}

function entry({ id, name, labels, network, state }: Container): object {
  return { Id: id, Names: [`/${name}`], State: state, Labels: labels, Ports: [], HostConfig: { NetworkMode: network } }
}

function done(): Response {
  return new Response(null, { status: 204 })
}

function refuse(status: number, message: string): Response {
  return Response.json({ message }, { status })
}

function hex(): string {
  return randomBytes(32).toString('hex')
}
