// The shells of all workspaces.
import { randomUUID } from 'node:crypto'
import type { Guest } from '../../provider/guest.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Fault } from '../../workspace/fault.ts'
import type { ProcessExit, TerminalSize } from '../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../workspace/workspace-ref.ts'
import { openShellScreen } from './shell-screen.ts'
import type { ShellSession, ShellTimeouts } from './shell-session.ts'
import { shellSession } from './shell-session.ts'

/** Where it is written down who opened which shell, and how it ended. */
export interface ShellRegistry {
  /** Settles when it is on disk. @throws what the database throws; it is not written then. */
  recordStart(shell: {
    readonly id: string
    readonly workspaceId: WorkspaceId
    readonly owner: string
    readonly by: string
    /** What runs in place of a shell. */
    readonly argv: readonly string[] | undefined
  }): Promise<void>
  /** It never began after all. */
  discard(workspaceId: WorkspaceId, id: string): void
  recordEnd(workspaceId: WorkspaceId, id: string, exit: ProcessExit): void
}

export interface ShellsDeps {
  readonly registry: ShellRegistry
  readonly timeouts?: Partial<ShellTimeouts>
}

export interface OpenShellRequest {
  readonly workspace: WorkspaceRef
  readonly guest: Guest
  /** `user:NAME`. */
  readonly by: string
  readonly size: TerminalSize
  /** What runs in it; by default a login shell. */
  readonly argv?: readonly string[]
  /** Who runs it, by default the recipe's user. */
  readonly user?: string
  /** Why the workspace runs no more, since that is why the shell ended; `null`: it runs. */
  readonly downReason: () => string | null
}

export type OpenShellResult =
  | { readonly kind: 'opened'; readonly session: ShellSession }
  | { readonly kind: 'limit-reached' }
  | { readonly kind: 'shutting-down' }
  | { readonly kind: 'write-failed'; readonly error: unknown }
  | { readonly kind: 'fault'; readonly fault: Fault }

export type Shells = ReturnType<typeof openShells>

/** How many shells a workspace may have at a time. */
export const maxShellsPerWorkspace = 32
/** How many shells that have ended are remembered, until somebody asks. */
const maxEndedShellsPerWorkspace = 32

/** A login shell, the best that there is. */
const loginShell = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash -l; exec sh -l']

const defaultShellTimeouts: ShellTimeouts = { retentionMs: 5 * 60_000, stallTimeoutMs: 60_000, hangUpTimeoutMs: 3000 }

/** Holds the shells of all workspaces until `close()`. */
export function openShells({ registry, timeouts = {} }: ShellsDeps) {
  const sessions = new Map<WorkspaceId, Map<string, ShellSession>>()
  const openingCounts = new Map<WorkspaceId, number>()
  let closing = false

  function sessionsOf(workspaceId: WorkspaceId): ShellSession[] {
    return [...(sessions.get(workspaceId)?.values() ?? [])]
  }

  function isFull(workspaceId: WorkspaceId): boolean {
    const aliveCount = sessionsOf(workspaceId).filter((session) => session.isAlive()).length
    return aliveCount + (openingCounts.get(workspaceId) ?? 0) >= maxShellsPerWorkspace
  }

  async function startShell(
    { workspace, guest, by, size, downReason, argv, user }: OpenShellRequest,
    signal: AbortSignal,
  ): Promise<OpenShellResult> {
    const id = randomUUID()
    const workspaceId = workspace.id
    const screen = await openShellScreen(size)
    try {
      await registry.recordStart({ id, workspaceId, owner: workspace.owner, by, argv }) // law 1
    } catch (error) {
      screen.close()
      return { kind: 'write-failed', error }
    }
    const outcome = await guest.exec(
      workspace,
      {
        tag: id,
        argv: argv ?? loginShell,
        env: { TERM: 'xterm-256color' },
        cwd: null,
        user: user ?? null,
        stdin: true,
        terminal: size,
      },
      signal,
    )
    if (!outcome.ok) {
      screen.close()
      registry.discard(workspaceId, id)
      return { kind: 'fault', fault: outcome.fault }
    }
    const session = shellSession({
      id,
      guestProcess: outcome.value,
      screen,
      size,
      timeouts: { ...defaultShellTimeouts, ...timeouts },
      explainExit(exit) {
        const reason = isNormalExit(exit) ? null : downReason()
        return reason === null ? exit : { kind: 'lost', message: reason }
      },
      onEnded: (exit) => registry.recordEnd(workspaceId, id, exit),
      onDisposed() {
        const workspaceSessions = sessions.get(workspaceId)
        if (workspaceSessions?.delete(id) === true && workspaceSessions.size === 0) sessions.delete(workspaceId)
      },
    })
    sessions.set(workspaceId, (sessions.get(workspaceId) ?? new Map<string, ShellSession>()).set(id, session))
    const endedSessions = sessionsOf(workspaceId).filter((other) => !other.isAlive())
    if (endedSessions.length > maxEndedShellsPerWorkspace) endedSessions[0]?.dispose()
    if (!closing) return { kind: 'opened', session }
    await session.close()
    return { kind: 'shutting-down' }
  }

  return {
    /** The shell of a workspace with this id; `undefined` if there is none any more. */
    find: (workspaceId: WorkspaceId, sessionId: string): ShellSession | undefined =>
      sessions.get(workspaceId)?.get(sessionId),

    isFull,

    /** Starts a shell. Nobody who looks at it within some minutes: it is hung up. */
    async open(request: OpenShellRequest, signal: AbortSignal): Promise<OpenShellResult> {
      const { id } = request.workspace
      if (closing) return { kind: 'shutting-down' }
      if (isFull(id)) return { kind: 'limit-reached' }
      openingCounts.set(id, (openingCounts.get(id) ?? 0) + 1)
      try {
        return await startShell(request, signal)
      } finally {
        const remaining = (openingCounts.get(id) ?? 1) - 1
        if (remaining === 0) openingCounts.delete(id)
        else openingCounts.set(id, remaining)
      }
    },

    /** Hangs all up, and tells whoever looks. Answers when they have ended, some seconds later at most. */
    async close(): Promise<void> {
      closing = true
      await Promise.all(
        [...sessions.values()].flatMap((workspaceSessions) =>
          [...workspaceSessions.values()].map((session) => session.close()),
        ),
      )
    },
  }
}

/** It ended by itself, or could be thought to. */
function isNormalExit(exit: ProcessExit): boolean {
  return exit.kind === 'exited' && exit.code < 128
}
