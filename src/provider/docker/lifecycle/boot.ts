import type { Connection } from '../../../workspace/container.ts'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import { containerConnection, publishedPorts } from '../observe/connection.ts'
import type { Engine } from '../engine/engine.ts'
import { inspectOwnContainer } from '../observe/inspect.ts'
import type { DockerNetworks } from './networks.ts'
import type { EngineResult } from '../engine/engine-result.ts'
import { removeContainer } from './remove.ts'
import { jsonField, stringField } from '../engine/json-fields.ts'

/** Errors of a container whose start was interrupted by the engine's death; which one depends on how far it had got. */
const interruptedStart = /\btask \S+ already exists|\bid already in use\b/

/**
 * Step `boot`: starts the workspace's container. A paused container is unpaused; a running one is success. May be
 * repeated.
 */
export async function boot(
  engine: Engine,
  networks: DockerNetworks,
  { id: workspaceId, containerId, spec }: WorkspaceRef,
  signal: AbortSignal,
): Promise<Outcome<{ connection: Connection }>> {
  if (containerId === null) return fault('missing', 'There is no container to start.')
  const container = { workspaceId, containerId }
  const inspection = await inspectOwnContainer(engine, container, signal)
  if (!inspection.ok) return inspection

  const paused = jsonField(inspection.value, 'State', 'Paused') === true
  let startResult = paused
    ? await unpauseContainer(engine, containerId, signal)
    : await startContainer(engine, containerId, signal)
  const network = stringField(inspection.value, 'HostConfig', 'NetworkMode')
  if (!startResult.ok && network !== undefined && /network \S+ (not found|is ambiguous)/.test(startResult.reason)) {
    const reconnection = await networks.reconnect(network, containerId, signal)
    if (!reconnection.ok) return reconnection
    startResult = await startContainer(engine, containerId, signal)
  }
  if (!startResult.ok && interruptedStart.test(startResult.reason)) {
    const hasRun = stringField(inspection.value, 'State', 'StartedAt')?.startsWith('0001-') !== true
    return recoverInterruptedStart(engine, containerId, { hasRun, message: startResult.fault.message }, signal)
  }
  if (!startResult.ok) return permanentStartFault(startResult.reason, spec.init) ?? startResult
  // The engine picks host ports at the start. Without ports, which is the usual case, this second inspect is saved.
  if (spec.forwardPorts.length === 0) return ok({ connection: containerConnection(containerId, {}) })
  const inspectionAfterStart = await inspectOwnContainer(engine, container, signal)
  return inspectionAfterStart.ok
    ? ok({ connection: containerConnection(containerId, publishedPorts(inspectionAfterStart.value)) })
    : inspectionAfterStart
}

/**
 * An engine that was killed while it started a container may leave the container's shim process behind, and then can
 * never start that container again. One that has never run contains nothing yet, so it is removed and created again.
 */
async function recoverInterruptedStart(
  engine: Engine,
  containerId: string,
  { hasRun, message }: { readonly hasRun: boolean; readonly message: string },
  signal: AbortSignal,
): Promise<Outcome<never>> {
  if (hasRun) {
    const shim = `"containerd-shim-runc-v2 … -id ${containerId}"`
    const advice = `The engine was killed during an earlier start: end the process ${shim} on the engine's host.`
    return fault('transient', `${message}. ${advice}`)
  }
  const removal = await removeContainer(engine, containerId, signal)
  if (!removal.ok) return removal
  return fault('missing', `${message}. The engine was killed during its first start; the container is created again.`)
}

async function startContainer(engine: Engine, containerId: string, signal: AbortSignal): Promise<EngineResult<void>> {
  const result = await engine.request<void>(
    {
      action: 'start the container',
      timeoutMs: engine.timeouts.createMs,
      run: (docker, abortSignal) => docker.getContainer(containerId).start({ abortSignal }),
    },
    signal,
  )
  return !result.ok && result.status === 304 ? { ok: true, value: undefined } : result
}

function unpauseContainer(engine: Engine, containerId: string, signal: AbortSignal): Promise<EngineResult<void>> {
  return engine.request<void>(
    {
      action: 'unpause the container',
      timeoutMs: engine.timeouts.createMs,
      run: (docker, abortSignal) => docker.getContainer(containerId).unpause({ abortSignal }),
    },
    signal,
  )
}

/** The fault of a start that would fail the same way again, whatever its status; `undefined` if it may yet succeed. */
function permanentStartFault(reason: string, init: boolean): ReturnType<typeof fault> | undefined {
  if (init && /docker-init/.test(reason)) {
    const advice =
      'Install it on the engine\'s host (package tini or docker-init), or set "init": false in the template.'
    return fault('permanent', `The engine has no init process for containers: ${reason}. ${advice}`)
  }
  const permanentReason =
    /executable file not found|no such file or directory|exec format error|permission denied|is a directory|not a directory/i
  if (!/OCI runtime|exec/i.test(reason) || !permanentReason.test(reason)) return undefined
  return fault('permanent', `The container cannot start: ${reason}. Check the image and the command in the template.`)
}
