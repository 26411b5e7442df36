import type Docker from 'dockerode'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { Engine } from './engine.ts'
import { installationLabels, isOurs } from './labels.ts'
import { listContainers } from './listing.ts'
import { field, text } from './shape.ts'

// A Linux bridge has 1 024 ports. A network per owner is no way out: the engine's address pools were used up at the
// 31st.
const mostOnOne = 1_000

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
  const unending = new AbortController().signal
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
    const there = await find(engine, name, unending)
    if (!there.ok) return there
    // The engine's name filter is a substring match, and a name that is taken by somebody else cannot be ours.
    if (there.value.some((network) => isOurs(field(network, 'Labels'), installation))) return done(undefined)
    if (there.value.length > 0) {
      return fault(
        'never',
        `A network named ${name} is not this installation's. Remove it (docker network rm ${name}).`,
      )
    }
    const created = await engine.ask(
      {
        what: `make the network ${name}`,
        withinMs: engine.deadlines.make,
        run: (docker, abortSignal) => docker.createNetwork({ ...plan(name, installation), abortSignal }),
      },
      unending,
    )
    return created.ok ? done(undefined) : created
  }

  /** Makes the network `name` exist. */
  function restore(name: string): Promise<Outcome<void>> {
    // The engine's own check for duplicates does not hold for two requests at once, so there is never more than one.
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

async function find(engine: Engine, name: string, signal: AbortSignal): Promise<Outcome<readonly unknown[]>> {
  const all = await engine.ask(
    {
      what: 'list networks',
      withinMs: engine.deadlines.read,
      run: (docker, abortSignal) => docker.listNetworks({ filters: { name: [name] }, abortSignal }),
    },
    signal,
  )
  return all.ok ? done(all.value.filter((network) => text(network, 'Name') === name)) : all
}
