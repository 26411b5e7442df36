import type Docker from 'dockerode'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { Engine } from './engine.ts'
import { installationLabels, isOurs } from './labels.ts'
import { listContainers } from './listing.ts'
import { field, text } from './shape.ts'

// A Linux bridge has 1 024 ports. A network per owner is no way out: the engine's address pools were used up at the
// 31st.
const mostOnOne = 1_000

// What is looked up for all must not end with one caller. Each request has its deadline.
const unending = new AbortController().signal

/** The networks that workspaces are on. Containers on one cannot talk to each other. */
export interface Networks {
  /** The name of a network with room for one more container; made if there is none. The room is counted as taken. */
  withRoom(): Promise<Outcome<string>>
  /**
   * Puts the stopped container `id` on the network `name` again, after that vanished: a prune takes the networks whose
   * containers are all stopped. May be repeated.
   */
  rejoin(name: string, id: string, signal: AbortSignal): Promise<Outcome<void>>
}

/**
 * The networks of `installation`. What was counted is remembered until the engine was away or the room is used up, so a
 * create need not ask. Both verbs may be called at once; they share one look, which no caller's signal ends, and which
 * has the deadlines of its requests.
 */
export function networksOf(engine: Engine, installation: string): Networks {
  const prefix = `vm-api-${installation.replace(/[^\w.-]/g, '').slice(0, 13)}`
  let current: { epoch: number; name: string; left: number } | undefined
  let choosing: Promise<Outcome<void>> | undefined
  const making = new Map<string, Promise<Outcome<void>>>()

  async function choose(): Promise<Outcome<void>> {
    const epoch = engine.epoch()
    const containers = await listContainers(engine, installation, undefined, unending)
    if (!containers.ok) return containers
    const on = (name: string): number => containers.value.filter(({ network }) => network === name).length
    let n = 1
    while (on(`${prefix}-${n}`) >= mostOnOne) n += 1
    const name = `${prefix}-${n}`
    const there = await restore(name)
    if (there.ok) current = { epoch, name, left: mostOnOne - on(name) }
    return there
  }

  async function make(name: string): Promise<Outcome<void>> {
    const there = await find(engine, name)
    if (!there.ok) return there
    if (there.value.length === 0) {
      const created = await engine.ask(
        {
          what: `make the network ${name}`,
          withinMs: engine.deadlines.make,
          run: (docker, abortSignal) => docker.createNetwork({ ...plan(name, installation), abortSignal }),
        },
        unending,
      )
      // 409: somebody was faster, a predecessor that was killed say. The look below tells who.
      if (!created.ok && created.status !== 409) return created
    }
    return onlyOne(name)
  }

  /**
   * Of networks with the same name only the oldest may stay: a container on such a name cannot start. The engine checks
   * for duplicates, but not when two are asked for at once.
   */
  async function onlyOne(name: string): Promise<Outcome<void>> {
    const there = await find(engine, name)
    if (!there.ok) return there
    const ours = there.value.filter((network) => isOurs(field(network, 'Labels'), installation))
    if (ours.length < there.value.length) {
      const way = `Remove it (docker network rm ${name}).`
      return fault('never', `A network named ${name} is not this installation's. ${way}`)
    }
    const age = (network: unknown): string => `${text(network, 'Created')} ${text(network, 'Id')}`
    for (const network of ours.toSorted((a, b) => (age(a) < age(b) ? -1 : 1)).slice(1)) {
      const removed = await engine.ask(
        {
          what: `remove a second network ${name}`,
          withinMs: engine.deadlines.make,
          run: (docker, abortSignal) => docker.getNetwork(text(network, 'Id') ?? '').remove({ abortSignal }),
        },
        unending,
      )
      if (!removed.ok && removed.status !== 404) return removed
    }
    return done(undefined)
  }

  /** Makes the network `name` exist. */
  function restore(name: string): Promise<Outcome<void>> {
    const made = making.get(name) ?? make(name).finally(() => making.delete(name))
    making.set(name, made)
    return made
  }

  return {
    async withRoom() {
      if (current?.epoch !== engine.epoch() || current.left < 1) {
        choosing ??= choose().finally(() => (choosing = undefined))
        const chosen = await choosing
        if (!chosen.ok) return chosen
      }
      if (!current) return fault('later', 'The engine was lost while a network was chosen.')
      current.left -= 1
      return done(current.name)
    },
    async rejoin(name, id, signal) {
      const there = await restore(name)
      if (!there.ok) return there
      return engine.ask(
        {
          what: `put the container on the network ${name}`,
          withinMs: engine.deadlines.make,
          async run(docker, abortSignal) {
            // The container remembers the id of the one that vanished: only leaving makes it forget.
            await docker.getNetwork(name).disconnect({ Container: id, Force: true, abortSignal })
            await docker.getNetwork(name).connect({ Container: id })
          },
        },
        signal,
      )
    },
  }
}

function plan(name: string, installation: string): Docker.NetworkCreateOptions {
  return {
    Name: name,
    CheckDuplicate: true,
    Driver: 'bridge',
    Labels: installationLabels(installation),
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
  }
}

/** The networks named `name`, whoever's. The engine's own filter matches parts of names too. */
async function find(engine: Engine, name: string): Promise<Outcome<readonly unknown[]>> {
  const all = await engine.ask(
    {
      what: 'list networks',
      withinMs: engine.deadlines.read,
      run: (docker, abortSignal) => docker.listNetworks({ filters: { name: [name] }, abortSignal }),
    },
    unending,
  )
  return all.ok ? done(all.value.filter((network) => text(network, 'Name') === name)) : all
}
