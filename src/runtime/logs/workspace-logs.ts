// The logs of all workspaces.
import type { LifecycleChunkRow } from '../../persistence/lifecycle-output-store.ts'
import type { Caller } from '../../workspace/caller.ts'
import type { Clock } from '../../workspace/clock.ts'
import type { Fault } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { ResolveWorkspace, WorkspaceNotFound } from '../resolve-workspace.ts'
import type { WorkspaceLogLine } from './log-lines.ts'
import type { LogSources } from './log-sources.ts'
import { openWorkspaceLog } from './workspace-log.ts'

/** The stored output of lifecycle commands. */
export interface LifecycleOutput {
  /** The chunks of a workspace after the one numbered `seq`, oldest first. @throws what the database throws. */
  after(id: WorkspaceId, seq: number, limit: number): readonly LifecycleChunkRow[]
  /** Calls `wake` when there is more. Returns a function that unsubscribes. */
  subscribe(id: WorkspaceId, wake: () => void): () => void
}

/** Calls `wake` after each transition of a workspace, until the subscription is closed. */
export type SubscribeToTransitions = (
  scope: { readonly workspace: WorkspaceId; readonly caller: Caller; readonly after: null },
  wake: () => void,
) =>
  | { readonly kind: 'subscribed'; readonly subscription: { close(): void } }
  | { readonly kind: 'not-found' | 'unknown-position' | 'ended' }

export interface WorkspaceLogsDeps {
  readonly resolveWorkspace: ResolveWorkspace
  readonly lifecycleOutput: LifecycleOutput
  readonly subscribe: SubscribeToTransitions
  readonly clock: Clock
}

export type LogOpenResult =
  | { readonly kind: 'opened'; readonly lines: AsyncGenerator<WorkspaceLogLine | null, void, undefined> }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | WorkspaceNotFound

/** Which part of a log is read. */
export interface LogRange {
  /** Only lines that were written at this time or later, in milliseconds since the epoch; `null`: all. */
  readonly since: number | null
  /** Only the last lines, this many; `null`: all. */
  readonly tail: number | null
  /** True: continues with new lines until the workspace is stopped, fails or is deleted. */
  readonly follow: boolean
}

export type WorkspaceLogs = ReturnType<typeof workspaceLogs>

/** Reads the logs of workspaces, in any state. */
export function workspaceLogs({ resolveWorkspace, clock, ...deps }: WorkspaceLogsDeps) {
  function logSources(id: WorkspaceId, caller: Caller): LogSources {
    return {
      lifecycleOutput: (after, limit) => deps.lifecycleOutput.after(id, after, limit),
      mainOutput(options, signal) {
        const resolved = resolveWorkspace(id, caller)
        if (resolved.kind !== 'found' || resolved.workspace.containerId === null) return null
        return resolved.guest.logs(resolved.workspace, options, signal)
      },
      phase() {
        const resolved = resolveWorkspace(id, caller)
        if (resolved.kind === 'found' && resolved.ready) return 'running'
        return resolved.kind === 'found' && !resolved.settled ? 'transitioning' : 'ended'
      },
      subscribe(wake) {
        const unsubscribeFromOutput = deps.lifecycleOutput.subscribe(id, wake)
        const transitions = deps.subscribe({ workspace: id, caller, after: null }, wake)
        return () => {
          unsubscribeFromOutput()
          if (transitions.kind === 'subscribed') transitions.subscription.close()
        }
      },
    }
  }

  return {
    /** Whether the workspace exists for a caller. */
    exists: (id: WorkspaceId, caller: Caller): boolean => resolveWorkspace(id, caller).kind !== 'not-found',

    /**
     * Opens a log. A line of `null` says that nothing was written for a while. Abort `signal` unless the lines are read to their end. Reading
     * throws what the database throws.
     */
    async open(id: WorkspaceId, caller: Caller, range: LogRange, signal: AbortSignal): Promise<LogOpenResult> {
      if (resolveWorkspace(id, caller).kind === 'not-found') return { kind: 'not-found' }
      const opened = await openWorkspaceLog(logSources(id, caller), clock, range, signal)
      return opened.ok ? { kind: 'opened', lines: opened.value } : { kind: 'fault', fault: opened.fault }
    },
  }
}
