import type Docker from 'dockerode'
import type { Outcome } from '../../../workspace/fault.ts'
import type { ProcessExit } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { inspectOwnContainer, isRunning } from '../observe/inspect.ts'
import { abortableDelay } from '../engine/with-deadline.ts'
import { jsonField, numberField } from '../engine/json-fields.ts'

const promptDelayMs = 5
const initialDelayMs = 100
const maxDelayMs = 1_000

/** A command to wait for. */
export interface PendingExec {
  readonly exec: Docker.Exec
  /** Aborts when the connection to the command closes. */
  readonly closed: AbortSignal
  /** Aborts when the caller detaches from the command. */
  readonly detached: AbortSignal
}

/**
 * Waits for a command to exit. Polls the engine with increasing delays, and at once when the connection closes: a
 * background child may hold the output open after the command has exited, and the output may have no reader. The result
 * is `lost` if the engine no longer knows the command, or once `detached` aborts.
 */
export async function waitForExecExit(
  engine: Engine,
  workspace: WorkspaceRef,
  { exec, closed, detached }: PendingExec,
): Promise<ProcessExit> {
  let delayMs = initialDelayMs
  let pollingFast = false
  let unreachableSince: number | null = null
  for (;;) {
    if (pollingFast) await abortableDelay(delayMs, detached)
    else await abortableDelay(delayMs, detached, closed)
    if (detached.aborted) return lostExit('Detached before the command exited.')
    if (closed.aborted && !pollingFast) {
      pollingFast = true
      delayMs = promptDelayMs
    } else delayMs = Math.min(delayMs * 2, maxDelayMs)

    const exitCode = await execExitCode(engine, exec, detached)
    if (exitCode.ok && exitCode.value !== null) return { kind: 'exited', code: exitCode.value }
    if (exitCode.ok) {
      unreachableSince = null
      // An engine that was killed together with the command may report it as running forever.
      if (pollingFast && delayMs >= initialDelayMs && !(await mayBeRunning(engine, workspace, detached)))
        return lostExit('The container stopped.')
      continue
    }
    unreachableSince ??= performance.now()
    const { kind, message } = exitCode.fault
    const isFinal = kind === 'missing' || kind === 'permanent' || (closed.aborted && kind === 'unavailable')
    if (isFinal || performance.now() - unreachableSince > engine.timeouts.createMs) return lostExit(message)
  }
}

/** The exit code of a command in a container; `null` while the command is running. */
export function execExitCode(engine: Engine, exec: Docker.Exec, signal: AbortSignal): Promise<Outcome<number | null>> {
  return engine.request(
    {
      action: 'inspect a command',
      timeoutMs: engine.timeouts.readMs,
      run: async (docker, abortSignal) => {
        const inspection = await docker.getExec(exec.id).inspect({ abortSignal })
        return jsonField(inspection, 'Running') === true ? null : (numberField(inspection, 'ExitCode') ?? null)
      },
    },
    signal,
  )
}

function lostExit(message: string): ProcessExit {
  return { kind: 'lost', message }
}

/** False only if the container is known not to be running. */
async function mayBeRunning(
  engine: Engine,
  { id: workspaceId, containerId }: WorkspaceRef,
  signal: AbortSignal,
): Promise<boolean> {
  const inspection = await inspectOwnContainer(engine, { workspaceId, containerId: containerId ?? '' }, signal)
  return inspection.ok ? isRunning(inspection.value) : inspection.fault.kind !== 'missing'
}
