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

/** What an engine says of a container over whose start it was killed: of which of the two, how far it had come decides. */
const interruptedStart = /\btask \S+ already exists|\bid already in use\b/

/** Step `boot`: starts the subject's container. Running already is success, paused is woken up. May be repeated. */
export async function boot(
  engine: Engine,
  installation: string,
  networks: DockerNetworks,
  { id: workspaceId, containerId, spec }: WorkspaceRef,
  signal: AbortSignal,
): Promise<Outcome<{ connection: Connection }>> {
  if (containerId === null) return fault('missing', 'There is no container to start.')
  const inspection = await inspectOwnContainer(engine, { installation, workspaceId }, containerId, signal)
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
    const neverRan = stringField(inspection.value, 'State', 'StartedAt')?.startsWith('0001-') === true
    return recoverInterruptedStart(engine, containerId, neverRan, startResult.fault.message, signal)
  }
  if (!startResult.ok) return permanentStartFault(startResult.reason, spec.init) ?? startResult
  // Which ports the engine picked is known after the start only. Most have none, and then a start costs no further
  // request.
  if (spec.forwardPorts.length === 0) return ok({ connection: containerConnection(containerId, {}) })
  const inspectionAfterStart = await inspectOwnContainer(engine, { installation, workspaceId }, containerId, signal)
  return inspectionAfterStart.ok
    ? ok({ connection: containerConnection(containerId, publishedPorts(inspectionAfterStart.value)) })
    : inspectionAfterStart
}

/**
 * An engine that was killed while it started a container may have left the process that was to watch over it, and then never
 * starts that container again. One that has never run is made anew: there is nothing in it yet.
 */
async function recoverInterruptedStart(
  engine: Engine,
  containerId: string,
  neverRan: boolean,
  message: string,
  signal: AbortSignal,
): Promise<Outcome<never>> {
  if (!neverRan) {
    const shim = `the process "containerd-shim-runc-v2 … -id ${containerId}"`
    return fault(
      'transient',
      `${message}. The engine was killed while it started it: end ${shim} where the engine runs.`,
    )
  }
  const removal = await removeContainer(engine, containerId, signal)
  if (!removal.ok) return removal
  return fault('missing', `${message}. The engine was killed while it started it for the first time; it is made anew.`)
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
      action: 'wake the container up',
      timeoutMs: engine.timeouts.createMs,
      run: (docker, abortSignal) => docker.getContainer(containerId).unpause({ abortSignal }),
    },
    signal,
  )
}

/**
 * A start that fails in the same way each time, whatever status the engine gives it; `undefined` if it may yet succeed.
 */
function permanentStartFault(reason: string, init: boolean): ReturnType<typeof fault> | undefined {
  if (init && /docker-init/.test(reason)) {
    const advice =
      'Install it where the engine runs (package tini or docker-init), or set "init": false in the template.'
    return fault('permanent', `The engine has no init process to run in containers: ${reason}. ${advice}`)
  }
  const permanentReason =
    /executable file not found|no such file or directory|exec format error|permission denied|is a directory|not a directory/i
  if (!/OCI runtime|exec/i.test(reason) || !permanentReason.test(reason)) return undefined
  return fault('permanent', `The container cannot start: ${reason}. Check the template's image and command.`)
}
