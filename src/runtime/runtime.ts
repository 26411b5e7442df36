// What is alive on our side of the guests: exec and shell sessions, file operations and logs.
import type { ExecLog } from '../persistence/exec-log.ts'
import type { Clock } from '../workspace/clock.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { Execs, ExecsDeps } from './exec/execs.ts'
import { openExecs } from './exec/execs.ts'
import type { WorkspaceFiles } from './files/workspace-files.ts'
import { workspaceFiles } from './files/workspace-files.ts'
import type { WorkspaceLogs, WorkspaceLogsDeps } from './logs/workspace-logs.ts'
import { workspaceLogs } from './logs/workspace-logs.ts'
import type { ResolveWorkspace } from './resolve-workspace.ts'
import { openSessionLog } from './session-log.ts'
import { openSessionRegistry } from './session-registry.ts'
import { killLeftoverShells } from './shell/leftover-shells.ts'
import type { ShellTimeouts } from './shell/shell-session.ts'
import type { Shells } from './shell/shells.ts'
import { openShells } from './shell/shells.ts'

export interface RuntimeDeps extends Pick<WorkspaceLogsDeps, 'lifecycleOutput' | 'subscribe'> {
  readonly resolveWorkspace: ResolveWorkspace
  readonly execLog: ExecLog
  readonly clock: Clock
  readonly log: Log
  /** Overrides of the defaults, for tests. */
  readonly exec?: Pick<ExecsDeps, 'timeouts' | 'limits'>
  readonly shellTimeouts?: Partial<ShellTimeouts>
}

export interface Runtime {
  readonly execs: Execs
  readonly shells: Shells
  readonly files: WorkspaceFiles
  readonly logs: WorkspaceLogs
  /** When a session last started or ended in a workspace; `undefined` if none is recorded. */
  readonly lastActiveAt: (id: WorkspaceId) => number | undefined
  /** Kills the shells that a crashed service left in workspaces. Settles when none is left, or when sessions are closed. */
  killLeftoverShells(): Promise<void>
  /** Refuses new sessions. Hangs shells up, and leaves commands running (law 12). Settles within seconds. */
  closeSessions(): Promise<void>
  /** Writes the ends that are not on disk yet. Call after `closeSessions`. */
  close(): void
}

/** Opens the guests of all workspaces to their callers. */
export function openRuntime({ exec, shellTimeouts, ...deps }: RuntimeDeps): Runtime {
  const sessionLog = openSessionLog(deps)
  const registry = openSessionRegistry({ ...deps, sessionLog })
  const sessionDeps = { ...deps, registry, sessionLog }
  const execs = openExecs({ ...sessionDeps, ...exec })
  const closing = new AbortController()
  return {
    execs,
    shells: openShells({ ...sessionDeps, ...(shellTimeouts && { timeouts: shellTimeouts }) }),
    files: workspaceFiles(deps),
    logs: workspaceLogs(deps),
    lastActiveAt: sessionLog.lastActiveAt,
    killLeftoverShells: () => killLeftoverShells({ ...deps, sessionLog }, closing.signal),
    async closeSessions() {
      closing.abort()
      execs.close()
      await registry.closeSessions()
    },
    close: sessionLog.close,
  }
}
