// The shells of all workspaces.
import { randomUUID } from 'node:crypto'
import type { Caller } from '../../workspace/caller.ts'
import type { Clock } from '../../workspace/clock.ts'
import type { GuestCommand, ProcessExit, TerminalSize } from '../../workspace/guest-process.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { ResolveWorkspace, WorkspaceNotFound, WorkspaceNotRunning } from '../resolve-workspace.ts'
import { resolveRunning } from '../resolve-workspace.ts'
import type { SessionLog } from '../session-log.ts'
import { toExecEnding } from '../session-log.ts'
import type { SessionRegistry, StartRefusal } from '../session-registry.ts'
import { openShellScreen } from './shell-screen.ts'
import type { ShellSession, ShellTimeouts } from './shell-session.ts'
import { shellSession } from './shell-session.ts'

export interface ShellsDeps {
  readonly registry: SessionRegistry
  readonly sessionLog: SessionLog
  readonly resolveWorkspace: ResolveWorkspace
  readonly clock: Clock
  readonly timeouts?: Partial<ShellTimeouts>
}

export interface ShellRequest {
  readonly size: TerminalSize
  /** `null`: a login shell. */
  readonly argv: readonly string[] | null
  /** `null`: the user that the template names. */
  readonly user: string | null
}

export type ShellOpenResult = { readonly kind: 'opened'; readonly session: ShellSession } | ShellOpenRefusal
export type ShellOpenRefusal = WorkspaceNotFound | WorkspaceNotRunning | StartRefusal

export type ShellFindResult =
  | { readonly kind: 'found'; readonly session: ShellSession }
  | { readonly kind: 'shell-not-found' }
  | WorkspaceNotFound
  | WorkspaceNotRunning

export type Shells = ReturnType<typeof openShells>

/** How many shells a workspace may have at a time. */
export const maxShellsPerWorkspace = 32
/** How many ended shells of a workspace are retained for a client that returns. */
const maxEndedShellsPerWorkspace = 32

/** The best login shell that the workspace has. */
const loginShell = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash -l; exec sh -l']

const defaultShellTimeouts: ShellTimeouts = { retentionMs: 5 * 60_000, stallTimeoutMs: 60_000, hangUpTimeoutMs: 3000 }

/** Opens shells in workspaces. The registry closes them. */
export function openShells({ registry, sessionLog, resolveWorkspace, clock, ...deps }: ShellsDeps) {
  const sessions = registry.sessions<ShellSession>('shell', maxShellsPerWorkspace)
  const timeouts = { ...defaultShellTimeouts, ...deps.timeouts }

  /** Returns the exit to report: a stop or delete of the workspace is the reason if it ended the shell. */
  function explainExit(id: WorkspaceId, caller: Caller, exit: ProcessExit): ProcessExit {
    if (exit.kind === 'exited' && exit.code < 128) return exit
    const { kind } = resolveRunning(resolveWorkspace, id, caller)
    if (kind === 'running') return exit
    return { kind: 'lost', message: `The workspace was ${kind === 'not-found' ? 'deleted' : 'stopped'}.` }
  }

  return {
    /** Why no shell can be opened now; `null` if one can. */
    refusal(id: WorkspaceId, caller: Caller): ShellOpenRefusal | null {
      const target = resolveRunning(resolveWorkspace, id, caller)
      return target.kind === 'running' ? sessions.refusal(id) : target
    },

    /** Finds a shell by its session id: one that runs, or that has ended without a viewer. */
    find(id: WorkspaceId, caller: Caller, sessionId: string): ShellFindResult {
      const resolved = resolveRunning(resolveWorkspace, id, caller)
      if (resolved.kind === 'not-found') return resolved
      const session = sessions.find(id, sessionId)?.session()
      if (session) return { kind: 'found', session }
      return resolved.kind === 'running' ? { kind: 'shell-not-found' } : resolved
    },

    /** Starts a shell, which is hung up unless a viewer attaches in time, or if `signal` is aborted before it has started. */
    async open(
      workspaceId: WorkspaceId,
      caller: Caller,
      request: ShellRequest,
      signal: AbortSignal,
    ): Promise<ShellOpenResult> {
      const target = resolveRunning(resolveWorkspace, workspaceId, caller)
      if (target.kind !== 'running') return target
      const id = randomUUID()
      const screen = await openShellScreen(request.size)
      const result = await sessions.start(
        {
          id,
          target,
          by: `user:${caller.owner}`,
          command: JSON.stringify(request.argv ?? 'shell'),
          fingerprint: '',
          guestCommand: toGuestCommand(id, request),
          open: (guestProcess) =>
            shellSession({
              id,
              guestProcess,
              screen,
              size: request.size,
              clock,
              timeouts,
              explainExit: (exit) => explainExit(workspaceId, caller, exit),
              onEnded: (exit) => sessionLog.recordEnding(workspaceId, id, toExecEnding(exit, clock.now())),
              onDisposed: () => sessions.remove(workspaceId, id),
            }),
        },
        signal,
      )
      if (result.kind !== 'started') {
        screen.close()
        return result
      }
      const ended = sessions.ended(workspaceId)
      if (ended.length > maxEndedShellsPerWorkspace) ended[0]?.dispose()
      if (signal.aborted) void result.session.hangUp()
      return { kind: 'opened', session: result.session }
    },
  }
}

function toGuestCommand(tag: string, { argv, user, size }: ShellRequest): GuestCommand {
  const env = { TERM: 'xterm-256color' }
  return { tag, argv: argv ?? loginShell, env, cwd: null, user, stdin: true, terminal: size }
}
