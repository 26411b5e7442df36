import { setTimeout as pause } from 'node:timers/promises'
import type { LeftRun } from '../persistence/exec-log.ts'
import type { Inside } from '../provider/inside.ts'
import type { Log } from '../workspace/log.ts'
import type { Subject } from '../workspace/subject.ts'

/** Where a workspace is: `down`, and nothing runs in it, or `between`, and that will be seen. */
export type Standing =
  | { readonly kind: 'up'; readonly subject: Subject; readonly inside: Inside }
  | { readonly kind: 'down' }
  | { readonly kind: 'between' }

export interface LeftShellsDeps {
  readonly left: readonly LeftRun[]
  readonly standing: (shell: LeftRun) => Standing
  /** Writes down that nothing of it runs any more. */
  readonly ended: (shell: LeftRun) => void
  readonly log: Log
  /** How long to wait for a workspace or an engine. */
  readonly againMs?: number
}

const endMs = 30_000

/**
 * Ends the shells that a service which was killed has left inside workspaces: nobody can come back to them. One after the other, as their
 * workspaces can be reached; settles when there is none any more, or with `signal`.
 */
export async function endLeftShells(
  { left, standing, ended, log, againMs = 30_000 }: LeftShellsDeps,
  signal: AbortSignal,
): Promise<void> {
  let rest = left
  for (;;) {
    const later: LeftRun[] = []
    for (const shell of rest) {
      if (signal.aborted) return
      if (await end(shell)) ended(shell)
      else later.push(shell)
    }
    if (later.length === 0 || signal.aborted) return
    rest = later
    await pause(againMs, undefined, { signal }).catch(() => undefined)
  }

  async function end(shell: LeftRun): Promise<boolean> {
    const { workspace, execId } = shell
    const where = standing(shell)
    if (where.kind !== 'up') return where.kind === 'down'
    const outcome = await where.inside.endRun(
      where.subject,
      execId,
      AbortSignal.any([signal, AbortSignal.timeout(endMs)]),
    )
    if (outcome.ok || outcome.fault.again === 'gone') return true
    log.warn(
      { workspace, shell: execId, reason: outcome.fault.message },
      'a shell that was left could not be ended yet',
    )
    return false
  }
}
