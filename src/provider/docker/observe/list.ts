import type { ContainerRecord } from '../../../workspace/container.ts'
import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { Log } from '../../../workspace/log.ts'
import { containerConnection, publishedPorts } from './connection.ts'
import type { Engine } from '../engine/engine.ts'
import { engineStartTime, parseContainerExit } from './container-exit.ts'
import { parseWorkspaceLabels, workspaceIdOfLabels } from '../engine/labels.ts'
import { type ContainerSummary, listContainers } from './list-containers.ts'
import { inspectContainer, isRunning } from './inspect.ts'
import { stringField } from '../engine/json-fields.ts'

type ContainerState = ContainerRecord['state']

const concurrency = 16

/**
 * Lists the installation's containers, or those of one workspace: all of them, or a fault. One request returns the list;
 * exited containers are then inspected, since the list does not say why they exited. The containers of a single
 * workspace are always inspected: the caller has just learned of a change, and the engine's list lags behind its events.
 */
export async function list(
  engine: Engine,
  log: Log,
  signal: AbortSignal,
  workspaceId?: WorkspaceId,
): Promise<Outcome<readonly ContainerRecord[]>> {
  const containers = await listContainers(engine, signal, workspaceId)
  if (!containers.ok) return containers
  let pendingStartTime: Promise<Outcome<number | null>> | undefined
  const startTime = (): Promise<Outcome<number | null>> => (pendingStartTime ??= engineStartTime(engine, signal))

  const queue = [...containers.value]
  const records: ContainerRecord[] = []
  let failure: Extract<Outcome<never>, { ok: false }> | undefined
  async function processQueue(): Promise<void> {
    for (let next = queue.shift(); next && !failure; next = queue.shift()) {
      const owner = workspaceIdOfLabels(next.labels)
      if (owner === undefined) {
        // Created by hand with our label. No workspace id can refer to it, and it must not hide the others (law 7).
        log.warn({ container: next.id }, "container has this installation's label but no workspace id; ignoring it")
        continue
      }
      const listed = workspaceId === undefined ? listedState(next) : undefined
      const state = listed ? ok(listed) : await inspectedState(engine, next.id, startTime, signal)
      if (!state.ok) failure = state
      else if (state.value) {
        const labels = parseWorkspaceLabels(next.labels)
        records.push({ workspaceId: owner, containerId: next.id, state: state.value, labels })
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, processQueue))
  return failure ?? ok(records)
}

/** The state of a container as far as the list tells; `undefined` if it must be inspected. */
function listedState({ id, state, ports }: ContainerSummary): ContainerState | undefined {
  if (/^(running|paused|restarting)$/.test(state))
    return { kind: 'running', connection: containerConnection(id, ports) }
  return state === 'created' ? { kind: 'created' } : undefined
}

/** Inspects a container; `null` if it has been removed since the list was made. */
async function inspectedState(
  engine: Engine,
  containerId: string,
  startTime: () => Promise<Outcome<number | null>>,
  signal: AbortSignal,
): Promise<Outcome<ContainerState | null>> {
  const inspection = await inspectContainer(engine, containerId, signal)
  if (!inspection.ok) return inspection.status === 404 ? ok(null) : inspection
  if (isRunning(inspection.value))
    return ok({ kind: 'running', connection: containerConnection(containerId, publishedPorts(inspection.value)) })
  if (stringField(inspection.value, 'State', 'Status') === 'created') return ok({ kind: 'created' })
  const engineStart = await startTime()
  if (!engineStart.ok) return engineStart
  return ok({ kind: 'exited', exit: parseContainerExit(inspection.value, engineStart.value) })
}
