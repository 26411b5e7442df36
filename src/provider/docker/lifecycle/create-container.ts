import type Docker from 'dockerode'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import { containerOptions } from './container-options.ts'
import { clampToCapacity, engineCapacityReader } from '../engine/capacity.ts'
import type { Engine } from '../engine/engine.ts'
import { containerName, workspaceLabels } from '../engine/labels.ts'
import { belongsToWorkspace, inspectContainer } from '../observe/inspect.ts'
import type { DockerNetworks } from './networks.ts'
import { abortableDelay, withDeadline } from '../engine/with-deadline.ts'
import { stringField } from '../engine/json-fields.ts'

/** Creates containers, and knows which creates are in progress. */
export interface ContainerCreator {
  /**
   * Step `container`. May be repeated: the container's name is derived from the workspace id, so a second create finds
   * the container of the first.
   */
  create(workspace: WorkspaceRef, signal: AbortSignal): Promise<Outcome<{ containerId: string }>>
  /** Settles when no create for the workspace is in progress. An aborted create may still produce a container. */
  whenSettled(workspaceId: WorkspaceId): Promise<void>
}

/** Creates containers on the installation's networks, with limits clamped to the engine's capacity. */
export function containerCreator(engine: Engine, networks: DockerNetworks): ContainerCreator {
  const readCapacity = engineCapacityReader(engine)
  const pendingCreates = new Map<WorkspaceId, Promise<unknown>>()

  async function createContainer(
    workspace: WorkspaceRef,
    signal: AbortSignal,
  ): Promise<Outcome<{ containerId: string }>> {
    const { id, spec } = workspace
    const [capacity, network] = await Promise.all([readCapacity(signal), networks.reserve()])
    if (!capacity.ok) return capacity
    if (!network.ok) return network
    if (signal.aborted) return fault('transient', 'Aborted before the container was created.')
    const labels = workspaceLabels(engine.installation, workspace)
    const body = containerOptions(spec, labels, network.value, clampToCapacity(spec.limits, capacity.value))
    const creation = await engine.request(
      {
        action: `create the container from ${spec.image}`,
        timeoutMs: engine.timeouts.createMs,
        async run(docker: Docker, abortSignal: AbortSignal): Promise<string> {
          const options = { _query: { name: containerName(id) }, _body: body, abortSignal }
          const container = await docker.createContainer(options)
          if (typeof container.id !== 'string') throw new Error("the engine's response to a create has no Id")
          return container.id
        },
      },
      // Not the caller's signal: the engine would complete an aborted create all the same, and nothing here would know
      // when.
      new AbortController().signal,
    )
    if (creation.ok) return ok({ containerId: creation.value })
    if (creation.status === 409) return adoptByName(engine, id, signal)
    if (creation.status === 404 && /no such image/i.test(creation.reason)) {
      const advice = 'Start the workspace again to pull it.'
      return fault('permanent', `The engine no longer has the image ${spec.image} (${creation.reason}). ${advice}`)
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
      // Each request inside has its own timeout; this one exists to react to the signal.
      const outcome = await withDeadline(4 * engine.timeouts.createMs, signal, () => pending)
      if (outcome.kind === 'failed') throw outcome.error
      return outcome.kind === 'settled' ? outcome.value : fault('transient', 'Aborted while the container was created.')
    },
    async whenSettled(workspaceId) {
      await pendingCreates.get(workspaceId)
    },
  }
}

/** Adopts the container that already has the workspace's name, if its labels are ours (law 3). */
async function adoptByName(
  engine: Engine,
  workspaceId: WorkspaceId,
  signal: AbortSignal,
): Promise<Outcome<{ containerId: string }>> {
  const name = containerName(workspaceId)
  // The engine reserves a name before its container can be inspected, and releases it after the container is gone. In
  // both cases another process's create or removal is in progress, so wait briefly.
  const deadline = performance.now() + engine.timeouts.pollMs
  let inspection = await inspectContainer(engine, name, signal)
  while (!inspection.ok && inspection.status === 404 && performance.now() < deadline && !signal.aborted) {
    await abortableDelay(50, signal)
    inspection = await inspectContainer(engine, name, signal)
  }
  if (!inspection.ok) {
    return inspection.status === 404
      ? fault('transient', `Another process is creating or removing the container ${name}.`)
      : inspection
  }
  const containerId = stringField(inspection.value, 'Id')
  if (containerId === undefined || !belongsToWorkspace(engine, workspaceId, inspection.value)) {
    const advice = `Remove it with: docker rm ${name}`
    return fault('permanent', `The existing container ${name} does not belong to this installation. ${advice}`)
  }
  const state = stringField(inspection.value, 'State', 'Status')
  if (state === 'removing' || state === 'dead') {
    return fault('transient', `The previous container ${name} is ${state}: its removal has not finished.`)
  }
  return ok({ containerId })
}
