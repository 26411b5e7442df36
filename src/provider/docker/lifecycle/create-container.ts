import type Docker from 'dockerode'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import { containerOptions } from './container-options.ts'
import { type EngineCapacity, clampToCapacity } from '../engine/capacity.ts'
import type { Engine } from '../engine/engine.ts'
import { containerName, workspaceLabels } from '../engine/labels.ts'
import { belongsToWorkspace, inspectContainer } from '../observe/inspect.ts'
import type { DockerNetworks } from './networks.ts'
import { abortableDelay, withDeadline } from '../engine/with-deadline.ts'
import { stringField } from '../engine/json-fields.ts'

/** Makes containers, and knows which creates are under way. */
export interface ContainerCreator {
  /**
   * Step `container`. May be repeated: the name is made from the workspace's id, so a second create finds the first
   * one's.
   */
  create(workspace: WorkspaceRef, signal: AbortSignal): Promise<Outcome<{ containerId: string }>>
  /** Settles when no create for `id` is under way any more: one that was broken off may still be making a container. */
  whenSettled(workspaceId: WorkspaceId): Promise<void>
}

/** What creates need to know beside the subject. */
export interface ContainerCreatorDeps {
  readonly engine: Engine
  readonly installation: string
  readonly networks: DockerNetworks
  readonly capacity: (signal: AbortSignal) => Promise<Outcome<EngineCapacity>>
}

/** The containers of one installation. */
export function containerCreator({ engine, installation, networks, capacity }: ContainerCreatorDeps): ContainerCreator {
  const pendingCreates = new Map<WorkspaceId, Promise<unknown>>()

  async function createContainer(
    workspace: WorkspaceRef,
    signal: AbortSignal,
  ): Promise<Outcome<{ containerId: string }>> {
    const { id, spec } = workspace
    const [available, network] = await Promise.all([capacity(signal), networks.reserve()])
    if (!available.ok) return available
    if (!network.ok) return network
    if (signal.aborted) return fault('transient', 'Broken off before the container was made.')
    const labels = workspaceLabels(installation, workspace)
    const body = containerOptions(spec, labels, network.value, clampToCapacity(spec.limits, available.value))
    const creation = await engine.request(
      {
        action: `make the container from ${spec.image}`,
        timeoutMs: engine.timeouts.createMs,
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
    if (creation.ok) return ok({ containerId: creation.value })
    if (creation.status === 409) return adoptByName(engine, installation, id, signal)
    if (creation.status === 404 && /no such image/i.test(creation.reason)) {
      const advice = 'Start the workspace again to have it fetched anew.'
      return fault('permanent', `The image ${spec.image} is not on the engine any more (${creation.reason}). ${advice}`)
    }
    return creation
  }

  return {
    async create(workspace, signal) {
      const pending = createContainer(workspace, signal)
      pendingCreates.set(workspace.id, pending)
      const removePending = (): void => {
        if (pendingCreates.get(workspace.id) === pending) pendingCreates.delete(workspace.id)
      }
      pending.then(removePending, removePending)
      // Every request within has its own deadline; this one is for the signal.
      const outcome = await withDeadline(4 * engine.timeouts.createMs, signal, () => pending)
      if (outcome.kind === 'failed') throw outcome.error
      return outcome.kind === 'settled' ? outcome.value : fault('transient', 'Broken off while the container was made.')
    },
    async whenSettled(workspaceId) {
      await pendingCreates.get(workspaceId)
    },
  }
}

/** The container that has the workspace's name already: ours if its labels say so (law 3). */
async function adoptByName(
  engine: Engine,
  installation: string,
  workspaceId: WorkspaceId,
  signal: AbortSignal,
): Promise<Outcome<{ containerId: string }>> {
  const name = containerName(workspaceId)
  // A name is taken before its container can be looked at, and given back after it cannot any more: somebody else's create
  // or removal is on its way, and is waited for a little.
  const deadline = performance.now() + engine.timeouts.pollMs
  let inspection = await inspectContainer(engine, name, signal)
  while (!inspection.ok && inspection.status === 404 && performance.now() < deadline && !signal.aborted) {
    await abortableDelay(50, signal)
    inspection = await inspectContainer(engine, name, signal)
  }
  if (!inspection.ok) {
    return inspection.status === 404
      ? fault('transient', `The container ${name} is being made or removed by somebody else.`)
      : inspection
  }
  const containerId = stringField(inspection.value, 'Id')
  if (containerId === undefined || !belongsToWorkspace(inspection.value, { installation, workspaceId: workspaceId })) {
    return fault('permanent', `A container named ${name} is not this installation's. Remove it (docker rm ${name}).`)
  }
  const state = stringField(inspection.value, 'State', 'Status')
  if (state === 'removing' || state === 'dead') {
    return fault('transient', `The former container ${name} is ${state}: its removal is not done yet.`)
  }
  return ok({ containerId })
}
