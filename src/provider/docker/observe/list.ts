import type { ContainerRecord } from '../../../workspace/container.ts'
import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { Log } from '../../../workspace/log.ts'
import { containerConnection, publishedPorts } from './connection.ts'
import type { Engine } from '../engine/engine.ts'
import { engineStartTime, parseContainerExit } from './container-exit.ts'
import { parseWorkspaceLabels, workspaceIdOfLabels } from '../engine/labels.ts'
import { type ContainerSummary, listContainers } from './list-containers.ts'
import { inspectContainer } from './inspect.ts'
import { jsonField, stringField } from '../engine/json-fields.ts'

const concurrency = 16

/**
 * Every container of `installation`, or those of workspace `only`. One request lists them; those that ended are looked
 * at one by one, since a list does not say why. So are those of one workspace: who asks for it has just heard of a
 * change, and the engine's list is behind its events. All of them, or a fault.
 */
export async function list(
  engine: Engine,
  installation: string,
  log: Log,
  workspaceId: WorkspaceId | undefined,
  signal: AbortSignal,
): Promise<Outcome<readonly ContainerRecord[]>> {
  const containers = await listContainers(engine, installation, workspaceId, signal)
  if (!containers.ok) return containers
  let pendingStartTime: Promise<Outcome<number | null>> | undefined
  const engineStartOnce = (): Promise<Outcome<number | null>> => (pendingStartTime ??= engineStartTime(engine, signal))

  const queue = [...containers.value]
  const records: ContainerRecord[] = []
  let failed: Extract<Outcome<never>, { ok: false }> | undefined
  async function work(): Promise<void> {
    for (let next = queue.shift(); next && !failed; next = queue.shift()) {
      const result = await containerRecord(engine, next, workspaceId === undefined, log, engineStartOnce, signal)
      if (!result.ok) failed = result
      else if (result.value) records.push(result.value)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return failed ?? ok(records)
}

async function containerRecord(
  engine: Engine,
  container: ContainerSummary,
  trustListedState: boolean,
  log: Log,
  engineStartOnce: () => Promise<Outcome<number | null>>,
  signal: AbortSignal,
): Promise<Outcome<ContainerRecord | null>> {
  const workspaceId = workspaceIdOfLabels(container.labels)
  if (workspaceId === undefined) {
    // Made by hand with our label: nothing here could name it to anybody, and one orphan must not hide all others (law
    // 7).
    log.warn(
      { container: container.id },
      "a container carries this installation's label and names no workspace; it is passed over",
    )
    return ok(null)
  }
  const recordWith = (state: ContainerRecord['state']): Outcome<ContainerRecord> =>
    ok({ workspaceId, containerId: container.id, state, labelled: parseWorkspaceLabels(container.labels) })
  if (trustListedState && /^(running|paused|restarting)$/.test(container.state))
    return recordWith({ kind: 'running', connection: containerConnection(container.id, container.ports) })
  if (trustListedState && container.state === 'created') return recordWith({ kind: 'created' })
  const inspection = await inspectContainer(engine, container.id, signal)
  if (!inspection.ok) return inspection.status === 404 ? ok(null) : inspection // gone since the list was made
  if (jsonField(inspection.value, 'State', 'Running') === true)
    return recordWith({
      kind: 'running',
      connection: containerConnection(container.id, publishedPorts(inspection.value)),
    })
  if (stringField(inspection.value, 'State', 'Status') === 'created') return recordWith({ kind: 'created' })
  const startTime = await engineStartOnce()
  return startTime.ok
    ? recordWith({ kind: 'exited', exit: parseContainerExit(inspection.value, startTime.value) })
    : startTime
}
