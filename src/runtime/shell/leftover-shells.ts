import type { UnfinishedExec } from '../../persistence/exec-log.ts'
import type { Clock } from '../../workspace/clock.ts'
import { parseOwner } from '../../workspace/id.ts'
import type { Log } from '../../workspace/log.ts'
import type { ResolveWorkspace } from '../resolve-workspace.ts'
import type { SessionLog } from '../session-log.ts'
import { lostEnding } from '../session-log.ts'
import { startTimeoutMs } from '../session-registry.ts'
import { settlesWithin, withTimeoutSignal } from '../timeouts.ts'

export interface LeftoverShellsDeps {
  readonly sessionLog: SessionLog
  readonly resolveWorkspace: ResolveWorkspace
  readonly clock: Clock
  readonly log: Log
}

const retryMs = 30_000

/**
 * Kills the shells that a crashed service left in workspaces, since no client can return to them. A shell whose workspace or engine cannot
 * be reached is retried. Settles when none is left, or with `signal`.
 */
export async function killLeftoverShells(
  { sessionLog, resolveWorkspace, clock, log }: LeftoverShellsDeps,
  signal: AbortSignal,
): Promise<void> {
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
  let remaining = sessionLog.leftoverShells
  while (remaining.length > 0 && !signal.aborted) {
    const retried: UnfinishedExec[] = []
    for (const shell of remaining) {
      if (signal.aborted) return
      if (await killShell(shell)) sessionLog.recordEnding(shell.workspace, shell.execId, lostEnding(clock.now()))
      else retried.push(shell)
    }
    remaining = retried
    if (remaining.length > 0 && !signal.aborted) await settlesWithin(clock, retryMs, aborted)
  }

  /** Returns whether nothing of the shell runs any more. */
  async function killShell({ workspace: id, owner, execId }: UnfinishedExec): Promise<boolean> {
    const caller = parseOwner(owner)
    const resolved = caller && resolveWorkspace(id, { owner: caller, operator: false })
    if (resolved?.kind !== 'found') return true
    const { guest, workspace, ready, settled } = resolved
    if (!ready) return settled // while something is in progress, processes may still run
    const outcome = await withTimeoutSignal(
      clock,
      startTimeoutMs,
      (timeoutSignal) => guest.killLeftover(workspace, execId, timeoutSignal),
      signal,
    )
    if (outcome.ok || outcome.fault.kind === 'missing') return true
    log.warn({ workspace: id, shell: execId, reason: outcome.fault.message }, 'a leftover shell was not killed yet')
    return false
  }
}
