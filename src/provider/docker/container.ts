import type Docker from 'dockerode'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Subject } from '../../workspace/subject.ts'
import { blueprint } from './blueprint.ts'
import { type Capacity, cutToCapacity } from './capacity.ts'
import type { Engine } from './engine.ts'
import { containerName, workspaceLabels } from './labels.ts'
import { belongs, lookAt } from './look.ts'
import type { Networks } from './network.ts'
import { pause, race } from './race.ts'
import { text } from './shape.ts'

/** Makes containers, and knows which creates are under way. */
export interface Containers {
  /**
   * Step `container`. May be repeated: the name is made from the workspace's id, so a second create finds the first
   * one's.
   */
  make(subject: Subject, signal: AbortSignal): Promise<Outcome<{ containerId: string }>>
  /** Settles when no create for `id` is under way any more: one that was broken off may still be making a container. */
  settled(id: WorkspaceId): Promise<void>
}

/** What creates need to know beside the subject. */
export interface Surroundings {
  readonly engine: Engine
  readonly installation: string
  readonly networks: Networks
  readonly capacity: (signal: AbortSignal) => Promise<Outcome<Capacity>>
}

/** The containers of one installation. */
export function containersOf({ engine, installation, networks, capacity }: Surroundings): Containers {
  const underWay = new Map<WorkspaceId, Promise<unknown>>()

  async function create(subject: Subject, signal: AbortSignal): Promise<Outcome<{ containerId: string }>> {
    const { id, recipe } = subject
    const [has, network] = await Promise.all([capacity(signal), networks.withRoom()])
    if (!has.ok) return has
    if (!network.ok) return network
    if (signal.aborted) return fault('later', 'Broken off before the container was made.')
    const labels = workspaceLabels(installation, subject)
    const body = blueprint(recipe, labels, network.value, cutToCapacity(recipe.limits, has.value))
    const created = await engine.ask(
      {
        what: `make the container from ${recipe.image}`,
        withinMs: engine.deadlines.make,
        async run(docker: Docker, abortSignal: AbortSignal): Promise<string> {
          const options = { _query: { name: containerName(id) }, _body: body, abortSignal }
          const container = await docker.createContainer(options)
          if (typeof container.id !== 'string') throw new Error('the engine answered a create without an id')
          return container.id
        },
      },
      // Not the caller's: a create that is cut off here goes on in the engine, and then nobody would know when it is
      // done.
      new AbortController().signal,
    )
    if (created.ok) return done({ containerId: created.value })
    if (created.status === 409) return adopt(engine, installation, id, signal)
    if (created.status === 404 && /no such image/i.test(created.reason)) {
      const way = 'Start the workspace again to have it fetched anew.'
      return fault('never', `The image ${recipe.image} is not on the engine any more (${created.reason}). ${way}`)
    }
    return created
  }

  return {
    async make(subject, signal) {
      const creating = create(subject, signal)
      underWay.set(subject.id, creating)
      const forget = (): void => {
        if (underWay.get(subject.id) === creating) underWay.delete(subject.id)
      }
      creating.then(forget, forget)
      // Every request within has its own deadline; this one is for the signal.
      const ending = await race(4 * engine.deadlines.make, signal, () => creating)
      if (ending.kind === 'failed') throw ending.error
      return ending.kind === 'answered' ? ending.value : fault('later', 'Broken off while the container was made.')
    },
    async settled(id) {
      await underWay.get(id)
    },
  }
}

/** The container that has the workspace's name already: ours if its labels say so (law 3). */
async function adopt(
  engine: Engine,
  installation: string,
  id: WorkspaceId,
  signal: AbortSignal,
): Promise<Outcome<{ containerId: string }>> {
  const name = containerName(id)
  // A name is taken before its container can be looked at, and given back after it cannot any more: somebody else's create
  // or removal is on its way, and is waited for a little.
  const end = performance.now() + engine.deadlines.look
  let found = await lookAt(engine, name, signal)
  while (!found.ok && found.status === 404 && performance.now() < end && !signal.aborted) {
    await pause(50, signal)
    found = await lookAt(engine, name, signal)
  }
  if (!found.ok) {
    return found.status === 404
      ? fault('later', `The container ${name} is being made or removed by somebody else.`)
      : found
  }
  const containerId = text(found.value, 'Id')
  if (containerId === undefined || !belongs(found.value, { installation, workspace: id })) {
    return fault('never', `A container named ${name} is not this installation's. Remove it (docker rm ${name}).`)
  }
  const state = text(found.value, 'State', 'Status')
  if (state === 'removing' || state === 'dead') {
    return fault('later', `The former container ${name} is ${state}: its removal is not done yet.`)
  }
  return done({ containerId })
}
