// The commands that run in all workspaces, and the output of those that ended recently.
//   E1. The same id again is the same exec session; it runs nothing.
//   E2. Memory is bounded: the number of running commands, and the output that is buffered of each.
import { createHash, randomUUID } from 'node:crypto'
import type { ExecEnding, ExecRecord } from '../../persistence/exec-log.ts'
import type { Caller } from '../../workspace/caller.ts'
import type { Clock } from '../../workspace/clock.ts'
import type { Fault } from '../../workspace/fault.ts'
import type { GuestCommand, ProcessSignal } from '../../workspace/guest-process.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { GuestTarget, ResolveWorkspace, WorkspaceNotFound, WorkspaceNotRunning } from '../resolve-workspace.ts'
import { resolveRunning } from '../resolve-workspace.ts'
import type { SessionLog } from '../session-log.ts'
import { lostEnding } from '../session-log.ts'
import type { SessionRegistry, StartRefusal } from '../session-registry.ts'
import { startTimeoutMs } from '../session-registry.ts'
import { withTimeoutSignal } from '../timeouts.ts'
import { endedExecs } from './ended-execs.ts'
import type { ExecSession } from './exec-session.ts'
import { execSession } from './exec-session.ts'
import type { OutputLimits } from './output-buffer.ts'
import { defaultOutputLimits } from './output-buffer.ts'
import { formatEndLine } from './output-line.ts'

export interface ExecTimeouts {
  /** How long a stalled reader may block a command. */
  readonly stallTimeoutMs: number
  /** How long the output of an ended command is retained. */
  readonly retentionMs: number
}

export interface ExecsDeps {
  readonly registry: SessionRegistry
  readonly sessionLog: SessionLog
  readonly resolveWorkspace: ResolveWorkspace
  readonly clock: Clock
  readonly timeouts?: Partial<ExecTimeouts>
  readonly limits?: Partial<OutputLimits>
}

export interface ExecRequest {
  /** `null`: a new random id. */
  readonly execId: string | null
  /** A string is run by the shell. */
  readonly command: string | readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | null
  readonly user: string | null
  readonly input: Buffer | 'stream' | null
  readonly timeoutMs: number | null
}

/** An exec session whose output is buffered; its command may have ended. */
export interface ActiveExec {
  readonly kind: 'active'
  readonly execId: string
  readonly session: ExecSession
}

/** An exec session that has ended, and whose output is no longer retained. */
export interface EndedExec {
  readonly kind: 'ended'
  readonly execId: string
  /** The end of the command was not observed, so some of its processes may still run. */
  readonly isLost: boolean
  /** The last line of its output for a reader that has seen line `after`; `null` if lines in between are missing. */
  endLine(after: number | null): string | null
}

/** An exec session as it is listed. `endedAt` of `null`: it runs. */
export interface ExecInfo {
  readonly execId: string
  /** As JSON. */
  readonly command: string
  readonly by: string
  readonly startedAt: number
  readonly endedAt: number | null
  readonly exitCode: number | null
  readonly signal: string | null
  readonly error: string | null
}

export type ExecStartResult =
  | ActiveExec
  | EndedExec
  /** The id was used for another command. */
  | { readonly kind: 'id-conflict' }
  | WorkspaceNotFound
  | WorkspaceNotRunning
  | StartRefusal

export type ExecFindResult = ActiveExec | EndedExec | WorkspaceNotFound | { readonly kind: 'exec-not-found' }

export type ExecListResult = { readonly kind: 'found'; readonly execs: readonly ExecInfo[] } | WorkspaceNotFound

export type ExecKillResult =
  | { readonly kind: 'signalled' }
  | { readonly kind: 'already-ended' }
  | { readonly kind: 'leftover-killed' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | Exclude<ExecFindResult, ActiveExec | EndedExec>

export type Execs = ReturnType<typeof openExecs>

/** How many commands may run in a workspace at a time. */
export const maxExecsPerWorkspace = 128
/** All exec sessions share about this much, but each may buffer the minimum. */
const maxTotalOutputBytes = 256 * 1024 * 1024
const minOutputBytesPerExec = 64 * 1024
/** A longer command is recorded truncated. */
const maxCommandCharacters = 16 * 1024

const defaultExecTimeouts: ExecTimeouts = { stallTimeoutMs: 60_000, retentionMs: 60 * 60_000 }

/** Runs commands in workspaces, and retains their output, until `close()`. */
export function openExecs({ registry, sessionLog, resolveWorkspace, clock, ...deps }: ExecsDeps) {
  const { stallTimeoutMs, retentionMs } = { ...defaultExecTimeouts, ...deps.timeouts }
  const sessions = registry.sessions<ExecSession>('exec', maxExecsPerWorkspace)
  const sessionDeps = {
    clock,
    stallTimeoutMs,
    limits: { ...defaultOutputLimits, ...deps.limits },
    bufferBudget: () => Math.max(minOutputBytesPerExec, maxTotalOutputBytes / sessions.count()),
  }
  const retainedExecs = endedExecs(clock, retentionMs, sessions.remove)

  async function find(workspaceId: WorkspaceId, caller: Caller, execId: string): Promise<ExecFindResult> {
    if (resolveWorkspace(workspaceId, caller).kind === 'not-found') return { kind: 'not-found' }
    const result = await sessions.find(workspaceId, execId)?.started
    if (result?.kind === 'started') return { kind: 'active', execId, session: result.session }
    const record = sessionLog.find(workspaceId, execId)
    return record?.kind === 'exec' ? toEndedExec(record) : { kind: 'exec-not-found' }
  }

  return {
    /** Runs a command, or finds the exec session that has the requested id. The command runs on when the caller disconnects. */
    async start(workspaceId: WorkspaceId, caller: Caller, request: ExecRequest): Promise<ExecStartResult> {
      const target = resolveRunning(resolveWorkspace, workspaceId, caller)
      if (target.kind !== 'running') return target
      const { execId: requestedId, ...parameters } = request
      const execId = requestedId ?? randomUUID()
      const fingerprint = execFingerprint(parameters)
      const existing = sessions.find(workspaceId, execId)
      if (existing && existing.fingerprint !== fingerprint) return { kind: 'id-conflict' }
      const record = existing || requestedId === null ? undefined : sessionLog.find(workspaceId, execId)
      if (record) return record.fingerprint === fingerprint ? toEndedExec(record) : { kind: 'id-conflict' }
      const result = await (existing?.started ??
        sessions.start({
          id: execId,
          target,
          by: `user:${caller.owner}`,
          command: JSON.stringify(truncateCommand(request.command)),
          fingerprint,
          guestCommand: toGuestCommand(execId, request),
          open(guestProcess, startedAt) {
            const onEnded = (ending: ExecEnding) => sessionLog.recordEnding(workspaceId, execId, ending)
            const { input, timeoutMs } = request
            const session = execSession({ ...sessionDeps, guestProcess, startedAt, input, timeoutMs, onEnded })
            void session.drained.then(() => retainedExecs.add(workspaceId, execId, session.bufferedBytes()))
            return session
          },
        }))
      return result.kind === 'started' ? { kind: 'active', execId, session: result.session } : result
    },

    /** Finds an exec session by its id. */
    find,

    /** Lists the newest exec sessions of a workspace, newest first. */
    list(workspaceId: WorkspaceId, caller: Caller, limit: number): ExecListResult {
      const { kind } = resolveWorkspace(workspaceId, caller)
      return kind === 'not-found' ? { kind } : { kind: 'found', execs: sessionLog.recent(workspaceId, limit) }
    },

    /** Sends a signal to all that a command started. Whatever still runs of a lost one is killed instead, whatever the signal. */
    async kill(
      workspaceId: WorkspaceId,
      caller: Caller,
      execId: string,
      signal: ProcessSignal,
    ): Promise<ExecKillResult> {
      const found = await find(workspaceId, caller, execId)
      if (found.kind === 'active') return signalSession(found.session, signal)
      if (found.kind !== 'ended') return found
      const target = resolveRunning(resolveWorkspace, workspaceId, caller)
      return found.isLost && target.kind === 'running'
        ? killLeftoverExec(target, execId, clock)
        : { kind: 'already-ended' }
    },

    /** Ends the retention of output. The registry closes the sessions. */
    close: retainedExecs.close,
  }
}

async function signalSession(session: ExecSession, signal: ProcessSignal): Promise<ExecKillResult> {
  if (session.hasEnded()) return { kind: 'already-ended' }
  const outcome = await session.signal(signal)
  return outcome.ok ? { kind: 'signalled' } : { kind: 'fault', fault: outcome.fault }
}

async function killLeftoverExec(
  { guest, workspace }: GuestTarget,
  execId: string,
  clock: Clock,
): Promise<ExecKillResult> {
  const outcome = await withTimeoutSignal(clock, startTimeoutMs, (signal) =>
    guest.killLeftover(workspace, execTag(execId), signal),
  )
  return outcome.ok ? { kind: 'leftover-killed' } : { kind: 'fault', fault: outcome.fault }
}

function toGuestCommand(execId: string, { command, env, cwd, user, input }: ExecRequest): GuestCommand {
  const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  return { tag: execTag(execId), argv, env, cwd, user, stdin: input !== null, terminal: null }
}

function toEndedExec({ execId, startedAt, ...record }: ExecRecord): EndedExec {
  // Without an end on disk its end was not seen.
  const ending = record.endedAt === null ? lostEnding(startedAt) : record
  const isLost = ending.error === 'lost'
  return {
    kind: 'ended',
    execId,
    isLost,
    endLine: (after) => (after === null || isLost ? formatEndLine((after ?? 0) + 1, startedAt, ending) : null),
  }
}

/** Marks the processes of a command in characters that every provider takes, whatever its id. */
function execTag(execId: string): string {
  return `exec-${createHash('sha256').update(execId).digest('hex').slice(0, 32)}`
}

function execFingerprint({ input, ...parameters }: Omit<ExecRequest, 'execId'>): string {
  const hash = createHash('sha256').update(JSON.stringify(parameters))
  if (input !== null) hash.update(input)
  return hash.digest('hex')
}

function truncateCommand(command: string | readonly string[]): string | readonly string[] {
  const text = typeof command === 'string' ? command : command.join(' ')
  return text.length > maxCommandCharacters ? `${text.slice(0, maxCommandCharacters)}…` : command
}
