// The live exec and shell sessions of all workspaces.
//   R1. Write, then act: a session starts once its row is on disk (law 1).
//   R2. A workspace has a fixed number of live sessions of each kind at most; one that is being started counts.
//   R3. After `closeSessions()` nothing starts, and a session whose start is under way is closed as soon as it has started.
import type { GuestProcess } from '../provider/guest.ts'
import type { Clock } from '../workspace/clock.ts'
import type { Fault } from '../workspace/fault.ts'
import type { GuestCommand } from '../workspace/guest-process.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { GuestTarget } from './resolve-workspace.ts'
import type { SessionLog } from './session-log.ts'
import { lostEnding } from './session-log.ts'
import { settlesWithin, withTimeoutSignal } from './timeouts.ts'

export interface Session {
  hasEnded(): boolean
  /** Lets go of the session because the service ends. Settles within seconds. */
  close(): Promise<void>
}

export interface SessionStart<S extends Session> {
  readonly id: string
  readonly target: GuestTarget
  /** `user:NAME`. */
  readonly by: string
  /** What is recorded as the command, as JSON. */
  readonly command: string
  /** What a repeated start with the same id has to match. */
  readonly fingerprint: string
  readonly guestCommand: GuestCommand
  /** Takes over the process that was started. */
  readonly open: (guestProcess: GuestProcess, startedAt: number) => S
}

export type StartRefusal =
  | { readonly kind: 'limit-reached' }
  | { readonly kind: 'shutting-down' }
  | { readonly kind: 'write-failed'; readonly error: unknown }
  | { readonly kind: 'fault'; readonly fault: Fault }

type SessionStartResult<S> = { readonly kind: 'started'; readonly session: S } | StartRefusal

interface SessionEntry<S> {
  readonly fingerprint: string
  /** Settles with the result of the start. Never rejects. */
  readonly started: Promise<SessionStartResult<S>>
  /** `null` while it starts. */
  readonly session: () => S | null
}

export interface SessionRegistryDeps {
  readonly sessionLog: SessionLog
  readonly clock: Clock
}

export type SessionRegistry = ReturnType<typeof openSessionRegistry>

/** How long a guest may take to start a process, or to kill a leftover one. */
export const startTimeoutMs = 30_000
const discardTimeoutMs = 1000

/** Holds the live sessions of all workspaces until `closeSessions()`. */
export function openSessionRegistry(deps: SessionRegistryDeps) {
  const closeCallbacks: (() => Promise<unknown>)[] = []
  let closing = false

  return {
    /** The sessions of one kind, of which a workspace may have `limit` that are alive. */
    sessions<S extends Session>(kind: 'exec' | 'shell', limit: number) {
      const { closeAll, ...sessions } = sessionsOfKind<S>(kind, limit, deps, () => closing)
      closeCallbacks.push(closeAll)
      return sessions
    },

    /** Closes all sessions, and refuses new ones from now on. */
    async closeSessions(): Promise<void> {
      closing = true
      await Promise.all(closeCallbacks.map((close) => close()))
    },
  }
}

function sessionsOfKind<S extends Session>(
  kind: 'exec' | 'shell',
  limit: number,
  deps: SessionRegistryDeps,
  isClosing: () => boolean,
) {
  const entries = new Map<WorkspaceId, Map<string, SessionEntry<S>>>()
  let entryCount = 0

  function entriesOf(workspaceId: WorkspaceId): SessionEntry<S>[] {
    return [...(entries.get(workspaceId)?.values() ?? [])]
  }

  function remove(workspaceId: WorkspaceId, id: string) {
    const workspaceEntries = entries.get(workspaceId)
    if (workspaceEntries?.delete(id) !== true) return
    entryCount -= 1
    if (workspaceEntries.size === 0) entries.delete(workspaceId)
  }

  /** Why a session cannot start now; `null` if it can. */
  function refusal(workspaceId: WorkspaceId): StartRefusal | null {
    if (isClosing()) return { kind: 'shutting-down' }
    const live = entriesOf(workspaceId).filter(({ session }) => session()?.hasEnded() !== true)
    return live.length >= limit ? { kind: 'limit-reached' } : null
  }

  return {
    refusal,
    remove,
    find: (workspaceId: WorkspaceId, id: string): SessionEntry<S> | undefined => entries.get(workspaceId)?.get(id),
    /** The sessions of a workspace that have ended and are still held, oldest first. */
    ended: (workspaceId: WorkspaceId): readonly S[] =>
      entriesOf(workspaceId).flatMap(({ session }) => {
        const current = session()
        return current?.hasEnded() === true ? [current] : []
      }),
    /** How many sessions are held, in all workspaces. */
    count: () => entryCount,

    /** Starts a session, and holds it until `remove`. `signals` can abort the start only. */
    start(request: SessionStart<S>, ...signals: readonly AbortSignal[]): Promise<SessionStartResult<S>> {
      const { id, target, fingerprint } = request
      const workspaceId = target.workspace.id
      const refused = refusal(workspaceId)
      if (refused) return Promise.resolve(refused)
      let current: S | null = null
      const started = startProcess(kind, request, signals, deps).then(
        async (result): Promise<SessionStartResult<S>> => {
          if (result.kind !== 'started') {
            remove(workspaceId, id)
            return result
          }
          current = result.session
          if (!isClosing()) return result
          await result.session.close() // R3
          return { kind: 'shutting-down' }
        },
      )
      const workspaceEntries = entries.get(workspaceId) ?? new Map<string, SessionEntry<S>>()
      entries.set(workspaceId, workspaceEntries.set(id, { fingerprint, started, session: () => current }))
      entryCount += 1
      return started
    },

    closeAll: (): Promise<unknown> =>
      Promise.all([...entries.keys()].flatMap(entriesOf).map(async ({ session }) => session()?.close())),
  }
}

/** Records a session, then starts its process. Never rejects. */
async function startProcess<S extends Session>(
  kind: 'exec' | 'shell',
  { id, target: { workspace, guest }, by, command, fingerprint, guestCommand, open }: SessionStart<S>,
  signals: readonly AbortSignal[],
  { sessionLog, clock }: SessionRegistryDeps,
): Promise<SessionStartResult<S>> {
  const startedAt = clock.now()
  const record = { workspace: workspace.id, execId: id, kind, owner: workspace.owner, by, command, fingerprint }
  try {
    await sessionLog.recordStart({ ...record, startedAt }) // law 1
  } catch (error) {
    return { kind: 'write-failed', error }
  }
  const outcome = await withTimeoutSignal(
    clock,
    startTimeoutMs,
    (signal) => guest.exec(workspace, guestCommand, signal),
    ...signals,
  )
  if (outcome.ok) return { kind: 'started', session: open(outcome.value, startedAt) }
  const { fault } = outcome
  // A process that certainly does not run frees its id; with any other fault it may run.
  if (fault.kind === 'permanent' || fault.kind === 'missing')
    await settlesWithin(clock, discardTimeoutMs, sessionLog.discard(workspace.id, id))
  else sessionLog.recordEnding(workspace.id, id, lostEnding(clock.now()))
  return { kind: 'fault', fault }
}
