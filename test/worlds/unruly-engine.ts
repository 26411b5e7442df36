import type { Notice, Provider } from '../../src/provider/provider.ts'
import { nothingInside } from '../provider/nothing-inside.ts'
import type { Exit } from '../../src/workspace/container.ts'
import type { Fault } from '../../src/workspace/fault.ts'
import { done, fault } from '../../src/workspace/fault.ts'
import type { Outcome } from '../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import type { Chance } from '../chance.ts'
import type { Container, EngineHost } from './engine-host.ts'
import { engineHost } from './engine-host.ts'
import { fly } from './request.ts'
import type { Flight, Request, Verb } from './request.ts'
import { tempers } from './temper.ts'
import type { TemperName } from './temper.ts'
import type { WorldClock } from './world-clock.ts'

export const ours = 'ours'

/** An engine that misbehaves as its seed has it, on a simulated clock. */
export interface UnrulyEngine {
  readonly host: EngineHost
  /** The provider of one process. `began` is told of each request before anything of it is done. */
  provider(began: (request: Request, others: readonly Request[]) => void): Provider
  /** The process that had this provider is dead: it hears nothing any more, and what it asked for may be done all the same. */
  kill(provider: Provider): void
  turn(temper: TemperName): void
  /** Nobody reaches the engine for so long. With `restart`, everything that runs in it goes down. */
  leave(ms: number, restart: boolean): void
  comeBack(): void
  away(): boolean
  inFlight(): readonly Request[]
}

interface Client {
  tell: ((notice: Notice) => void) | undefined
  alive: boolean
  connected: boolean
  readonly flights: Set<Flight>
}

const awayFault: Fault = { again: 'away', message: 'The engine cannot be reached.' }

export function unrulyEngine(clock: WorldClock, chance: Chance): UnrulyEngine {
  let temper = tempers.even
  let awayUntil = 0
  let away = false
  const clients = new Map<Provider, Client>()
  const host = engineHost(chance, clock.monotonic, changed)

  function changed({ installation, workspaceId }: Container) {
    clock.stir()
    if (away || installation !== ours) return
    for (const client of clients.values()) {
      if (!client.tell || chance.happens(temper.lostNotices)) continue
      for (let left = chance.happens(temper.doubledNotices) ? 2 : 1; left > 0; left -= 1)
        clock.timer(chance.between(0, 3000), () => !away && client.tell?.({ kind: 'changed', workspaceId }))
    }
  }

  function connect(client: Client) {
    clock.timer(chance.between(0, 1000), () => {
      if (away || client.connected || !client.tell) return
      client.connected = true
      client.tell({ kind: 'connected' })
    })
  }

  function leave(ms: number, restart: boolean) {
    const before = away
    away = true
    awayUntil = Math.max(awayUntil, clock.monotonic() + ms)
    for (const client of clients.values()) {
      for (const flight of client.flights) flight.drop(awayFault)
      if (client.connected || !before) client.tell?.({ kind: 'lost', fault: awayFault })
      client.connected = false
    }
    if (restart)
      for (const container of host.containers.values()) {
        if (container.state.kind !== 'running') continue
        host.blame(container.workspaceId, 'with-engine')
        host.end(container, { code: 137, outOfMemory: false, withEngine: true })
      }
    clock.timer(ms, () => clock.monotonic() >= awayUntil && comeBack())
  }

  function comeBack() {
    if (!away) return
    away = false
    for (const client of clients.values()) connect(client)
  }

  function provider(began: (request: Request, others: readonly Request[]) => void): Provider {
    const client: Client = { tell: undefined, alive: true, connected: false, flights: new Set() }

    function ask<T>(
      verb: Verb,
      workspaceId: WorkspaceId | null,
      signal: AbortSignal,
      work: () => Outcome<T>,
      containerId: string | null = null,
    ): Promise<Outcome<T>> {
      if (!client.alive) return new Promise(() => {}) // the dead ask for nothing, and are told nothing
      const request = { verb, workspaceId, containerId, signal }
      began(
        request,
        [...client.flights].map((other) => other.request),
      )
      const over = (flight: Flight) => void client.flights.delete(flight)
      const fate = { clock, chance, temper, away: away ? awayFault : null, blame: host.blame, over }
      const { flight, answer } = fly(request, work, fate)
      client.flights.add(flight)
      return answer
    }

    const own = (id: WorkspaceId) => host.of(ours, id)
    const gone = (id: WorkspaceId) => fault('gone', `There is no container of the workspace ${id} any more.`)
    const meant = ({ id, containerId }: Subject) => own(id).find((it) => it.containerId === containerId)
    const made: Provider = {
      name: 'docker',
      inside: nothingInside,
      image: ({ id, recipe }, signal, progress) =>
        ask('image', id, signal, () => {
          progress(`Pulling ${recipe.image}`)
          return recipe.image.startsWith('missing')
            ? fault('never', `There is no image ${recipe.image}.`)
            : done({ imageId: `sha256:${recipe.image}` })
        }),
      container: ({ id }, signal) =>
        ask('container', id, signal, () => done({ containerId: host.make(ours, id).containerId })),
      boot: (subject, signal) =>
        ask('boot', subject.id, signal, () => {
          const container = meant(subject)
          if (!container) return gone(subject.id)
          host.run(container)
          return container.state.kind === 'running'
            ? done({ connection: container.state.connection })
            : fault('later', 'It did not start.')
        }),
      setup: (subject, signal, progress) =>
        ask('setup', subject.id, signal, () => {
          const container = meant(subject)
          if (!container) return gone(subject.id)
          if (container.state.kind !== 'running') return fault('later', 'The container does not run.')
          progress('Running postStartCommand')
          return !subject.prepared && subject.recipe.postCreate.length > 0
            ? fault('never', 'postCreateCommand failed with exit code 3.')
            : done(undefined)
        }),
      halt: ({ id }, signal) =>
        ask('halt', id, signal, () => {
          for (const container of own(id)) host.end(container, stopped)
          return done(undefined)
        }),
      remove(id, containerId, signal) {
        const named = own(id) // law 9: those that it found, and none that is made meanwhile
        const also = containerId === null ? undefined : host.containers.get(containerId)
        const work = () => {
          for (const container of also ? [...named, also] : named) host.remove(container)
          return done(undefined)
        }
        return ask('remove', id, signal, work, containerId)
      },
      inspect: (id, signal) => ask('inspect', id, signal, () => done(own(id).map(({ ...found }) => found)[0] ?? null)),
      inventory: (signal) =>
        ask('inventory', null, signal, () =>
          done(
            [...host.containers.values()].flatMap(({ installation, ...found }) =>
              installation === ours ? [found] : [],
            ),
          ),
        ),
      clear: (signal) => ask('clear', null, signal, () => done(undefined)),
      ready: (signal) => ask('ready', null, signal, () => done(undefined)),
      watch(tell) {
        client.tell = tell
        if (away) clock.timer(0, () => !client.connected && client.tell?.({ kind: 'lost', fault: awayFault }))
        else connect(client)
        return { close: () => (client.tell = undefined) }
      },
    }
    clients.set(made, client)
    return made
  }

  return {
    host,
    provider,
    kill(provider) {
      const client = clients.get(provider)
      if (!client) return
      Object.assign(client, { alive: false, tell: undefined })
      for (const flight of client.flights) flight.orphan()
      clients.delete(provider)
    },
    turn: (name) => void (temper = tempers[name]),
    leave,
    comeBack: () => {
      awayUntil = 0
      comeBack()
    },
    away: () => away,
    inFlight: () => [...clients.values()].flatMap(({ flights }) => [...flights].map(({ request }) => request)),
  }
}

const stopped: Exit = { code: 0, outOfMemory: false, withEngine: false }
