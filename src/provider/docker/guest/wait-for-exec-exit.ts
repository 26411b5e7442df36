import type Docker from 'dockerode'
import type { ProcessExit } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { execExitCode } from './exec-exit-code.ts'
import { inspectOwnContainer } from '../observe/inspect.ts'
import { abortableDelay } from '../engine/with-deadline.ts'
import { jsonField } from '../engine/json-fields.ts'

const promptDelayMs = 5
const initialDelayMs = 100
const maxDelayMs = 1_000

/**
 * Follows a command to its end. The engine is asked at growing distances whether it still runs, and at once when its connection is closed: a
 * child in the background may hold the output open after the command has ended, and nobody may be reading it. What the engine does not
 * know any more is `lost`, and so is everything once `left` is aborted.
 */
export async function waitForExecExit(
  engine: Engine,
  installation: string,
  workspace: WorkspaceRef,
  exec: Docker.Exec,
  streamClosed: AbortSignal,
  detached: AbortSignal,
): Promise<ProcessExit> {
  let delayMs = initialDelayMs
  let pollingFast = false
  let unreachableSince: number | null = null
  for (;;) {
    if (pollingFast) await abortableDelay(delayMs, detached)
    else await abortableDelay(delayMs, detached, streamClosed)
    if (detached.aborted) return { kind: 'lost', message: 'It was left before it ended.' }
    if (streamClosed.aborted && !pollingFast) {
      pollingFast = true
      delayMs = promptDelayMs
    } else delayMs = Math.min(delayMs * 2, maxDelayMs)

    const exit = await execExitCode(engine, exec, detached)
    if (exit.ok && exit.value !== null) return { kind: 'exited', code: exit.value }
    if (exit.ok) {
      unreachableSince = null
      // An engine that was killed with the command may hold that it runs for ever.
      if (
        pollingFast &&
        delayMs >= initialDelayMs &&
        !(await isContainerRunning(engine, installation, workspace, detached))
      )
        return lostExit('The container ended.')
      continue
    }
    unreachableSince ??= performance.now()
    const { kind, message } = exit.fault
    const isFinal = kind === 'missing' || kind === 'permanent' || (streamClosed.aborted && kind === 'unavailable')
    if (isFinal || performance.now() - unreachableSince > engine.timeouts.createMs) return lostExit(message)
  }
}

function lostExit(message: string): ProcessExit {
  return { kind: 'lost', message }
}

/** False only if it is known that the container does not run. */
async function isContainerRunning(
  engine: Engine,
  installation: string,
  workspace: WorkspaceRef,
  signal: AbortSignal,
): Promise<boolean> {
  const inspection = await inspectOwnContainer(
    engine,
    { installation, workspaceId: workspace.id },
    workspace.containerId ?? '',
    signal,
  )
  return inspection.ok ? jsonField(inspection.value, 'State', 'Running') === true : inspection.fault.kind !== 'missing'
}
