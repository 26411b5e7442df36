import { setTimeout as pause } from 'node:timers/promises'
import type { UnfinishedExec } from '../../persistence/exec-log.ts'
import type { Guest } from '../../provider/guest.ts'
import type { Log } from '../../workspace/log.ts'
import type { WorkspaceRef } from '../../workspace/workspace-ref.ts'

/** Where a workspace is: `down`, and nothing runs in it, or `between`, and that will be seen. */
export type WorkspaceAvailability =
  | { readonly kind: 'up'; readonly workspace: WorkspaceRef; readonly guest: Guest }
  | { readonly kind: 'down' }
  | { readonly kind: 'between' }

export interface LeftoverShellsDeps {
  readonly leftovers: readonly UnfinishedExec[]
  readonly availabilityOf: (shell: UnfinishedExec) => WorkspaceAvailability
  /** Writes down that nothing of it runs any more. */
  readonly onEnded: (shell: UnfinishedExec) => void
  readonly log: Log
  /** How long to wait for a workspace or an engine. */
  readonly retryMs?: number
}

const killTimeoutMs = 30_000

/**
 * Ends the shells that a service which was killed has left inside workspaces: nobody can come back to them. One after the other, as their
 * workspaces can be reached; settles when there is none any more, or with `signal`.
 */
export async function killLeftoverShells(
  { leftovers, availabilityOf, onEnded, log, retryMs = 30_000 }: LeftoverShellsDeps,
  signal: AbortSignal,
): Promise<void> {
  let remaining = leftovers
  for (;;) {
    const unfinished: UnfinishedExec[] = []
    for (const shell of remaining) {
      if (signal.aborted) return
      if (await killShell(shell)) onEnded(shell)
      else unfinished.push(shell)
    }
    if (unfinished.length === 0 || signal.aborted) return
    remaining = unfinished
    await pause(retryMs, undefined, { signal }).catch(() => undefined)
  }

  async function killShell(shell: UnfinishedExec): Promise<boolean> {
    const { workspace, execId } = shell
    const availability = availabilityOf(shell)
    if (availability.kind !== 'up') return availability.kind === 'down'
    const outcome = await availability.guest.killLeftover(
      availability.workspace,
      execId,
      AbortSignal.any([signal, AbortSignal.timeout(killTimeoutMs)]),
    )
    if (outcome.ok || outcome.fault.kind === 'missing') return true
    log.warn(
      { workspace, shell: execId, reason: outcome.fault.message },
      'a shell that was left could not be ended yet',
    )
    return false
  }
}
