// The commands that run in all workspaces, and those that have run a while ago.
//   E1. Write, then act: a command begins when its row is on disk (law 1).
//   E2. The same id again is the same run. It runs nothing.
//   E3. Memory is bounded: so many run at a time, and of each so much is kept.
import { createHash, randomUUID } from 'node:crypto'
import type { ExecRecord } from '../../persistence/exec-log.ts'
import type { Guest } from '../../provider/guest.ts'
import type { Fault, Outcome } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { WorkspaceRef } from '../../workspace/workspace-ref.ts'
import { settlesWithin } from '../settles-within.ts'
import { endedExecs } from './ended-execs.ts'
import type { ExecSession } from './exec-session.ts'
import { execSession } from './exec-session.ts'
import type { OutputLimits } from './output-buffer.ts'
import { defaultOutputLimits } from './output-buffer.ts'
import type { ExecRegistry } from './exec-registry.ts'

export interface ExecTimeouts {
  /** How long a reader who does not read holds a command up. */
  readonly stallTimeoutMs: number
  /** How long the output of one that has ended is kept. */
  readonly retentionMs: number
}

export interface ExecsDeps {
  readonly registry: ExecRegistry
  readonly now: () => number
  readonly timeouts?: Partial<ExecTimeouts>
  readonly limits?: Partial<OutputLimits>
}

/** Where something is run, or looked for. */
export interface ExecTarget {
  readonly workspace: WorkspaceRef
  readonly guest: Guest
}

export interface ExecRequest {
  /** `null`: any new one. */
  readonly execId: string | null
  /** Text is for the shell. */
  readonly command: string | readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | null
  readonly user: string | null
  readonly input: Buffer | 'stream' | null
  readonly timeoutMs: number | null
}

export type ExecStartResult =
  | { readonly kind: 'active'; readonly execId: string; readonly session: ExecSession }
  /** It has run, and its output is forgotten. */
  | { readonly kind: 'ended'; readonly execId: string; readonly record: ExecRecord }
  | { readonly kind: 'id-conflict' }
  | { readonly kind: 'limit-reached' }
  | { readonly kind: 'shutting-down' }
  | { readonly kind: 'write-failed'; readonly error: unknown }
  | { readonly kind: 'fault'; readonly fault: Fault }

export type Execs = ReturnType<typeof openExecs>

/** How many commands may run in a workspace at a time. */
export const maxExecsPerWorkspace = 128
const startTimeoutMs = 30_000
const closeTimeoutMs = 5000
const discardTimeoutMs = 1000
/** All runs together keep about so much, whoever began them; but each of them this. */
const maxTotalOutputBytes = 256 * 1024 * 1024
const minOutputBytesPerExec = 64 * 1024
/** A longer command is shown cut. */
const maxCommandCharacters = 16 * 1024

const defaultExecTimeouts: ExecTimeouts = { stallTimeoutMs: 60_000, retentionMs: 60 * 60_000 }

interface ExecEntry {
  readonly fingerprint: string
  readonly startResult: Promise<ExecStartResult>
  /** There once it has begun. */
  session: ExecSession | null
}

/** Holds the runs of all workspaces until `close()`. */
export function openExecs({ registry, now, timeouts, limits }: ExecsDeps) {
  const { stallTimeoutMs, retentionMs } = { ...defaultExecTimeouts, ...timeouts }
  const entries = new Map<WorkspaceId, Map<string, ExecEntry>>()
  const endedExecCache = endedExecs(retentionMs, evict)
  let execCount = 0
  let closing = false

  function evict(workspaceId: WorkspaceId, execId: string) {
    const workspaceEntries = entries.get(workspaceId)
    if (workspaceEntries?.delete(execId) !== true) return
    execCount -= 1
    if (workspaceEntries.size === 0) entries.delete(workspaceId)
  }

  function isFull(workspaceId: WorkspaceId): boolean {
    let running = 0
    for (const { session } of entries.get(workspaceId)?.values() ?? []) if (session?.hasEnded() !== true) running += 1
    return running >= maxExecsPerWorkspace
  }

  async function startSession(
    target: ExecTarget,
    request: ExecRequest,
    execId: string,
    by: string,
    fingerprint: string,
  ): Promise<ExecStartResult> {
    const { workspace, guest } = target
    const { command, env, cwd, user, input, timeoutMs } = request
    const startedAt = now()
    try {
      await registry.recordStart({
        workspace: workspace.id,
        execId,
        kind: 'exec',
        owner: workspace.owner,
        by,
        command: JSON.stringify(truncateCommand(command)),
        fingerprint: fingerprint,
        startedAt,
      })
    } catch (error) {
      return { kind: 'write-failed', error }
    }
    const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
    const guestCommand = { tag: execTag(execId), argv, env, cwd, user, stdin: input !== null, terminal: null }
    // Whoever asked may leave meanwhile: it runs all the same.
    const outcome = await guest.exec(workspace, guestCommand, AbortSignal.timeout(startTimeoutMs))
    if (!outcome.ok) {
      const { fault } = outcome
      // What is known not to run may be tried again under its id; of anything else, nobody knows.
      if (fault.kind === 'permanent' || fault.kind === 'missing')
        await settlesWithin(discardTimeoutMs, registry.discard(workspace.id, execId))
      else registry.recordEnd(workspace.id, execId, { endedAt: now(), exitCode: null, signal: null, error: 'lost' })
      return { kind: 'fault', fault }
    }
    const session = execSession({
      guestProcess: outcome.value,
      startedAt,
      input,
      timeoutMs,
      stallTimeoutMs,
      limits: { ...defaultOutputLimits, ...limits },
      bufferBudget: () => Math.max(minOutputBytesPerExec, maxTotalOutputBytes / execCount),
      now,
      onEnded: (ending) => registry.recordEnd(workspace.id, execId, ending),
    })
    void session.drained.then(() => endedExecCache.add(workspace.id, execId, session.bufferedBytes()))
    if (closing) await session.detach(closeTimeoutMs)
    return closing ? { kind: 'shutting-down' } : { kind: 'active', execId, session }
  }

  return {
    /** Runs a command, or finds the run that has this id already. */
    async start(target: ExecTarget, request: ExecRequest, by: string): Promise<ExecStartResult> {
      if (closing) return { kind: 'shutting-down' }
      const { id } = target.workspace
      const { execId: requestedId, ...parameters } = request
      const execId = requestedId ?? randomUUID()
      const fingerprint = execFingerprint(parameters)
      const existing = entries.get(id)?.get(execId)
      if (existing) return existing.fingerprint === fingerprint ? existing.startResult : { kind: 'id-conflict' }
      const record = requestedId === null ? undefined : registry.find(id, execId)
      if (record)
        return record.fingerprint === fingerprint ? { kind: 'ended', execId, record } : { kind: 'id-conflict' }
      if (isFull(id)) return { kind: 'limit-reached' }
      const startResult = startSession(target, request, execId, by, fingerprint)
      const entry: ExecEntry = { fingerprint: fingerprint, startResult, session: null }
      execCount += 1
      entries.set(id, (entries.get(id) ?? new Map<string, ExecEntry>()).set(execId, entry))
      const result = await startResult
      if (result.kind === 'active') entry.session = result.session
      else evict(id, execId)
      return result
    },

    /** A run of a workspace by its id; `undefined` if nobody remembers it. */
    async find(
      workspaceId: WorkspaceId,
      execId: string,
    ): Promise<Extract<ExecStartResult, { kind: 'active' | 'ended' }> | undefined> {
      const startResult = await entries.get(workspaceId)?.get(execId)?.startResult
      if (startResult?.kind === 'active') return startResult
      const record = registry.find(workspaceId, execId)
      return record?.kind === 'exec' ? { kind: 'ended', execId, record } : undefined
    },

    /** The newest runs of a workspace, newest first. */
    recent: (workspaceId: WorkspaceId, limit: number): readonly ExecRecord[] => registry.recent(workspaceId, limit),

    /** Ends what may be left of a run that is held no more. */
    async killLeftover({ workspace, guest }: ExecTarget, execId: string): Promise<Outcome<void>> {
      return guest.killLeftover(workspace, execTag(execId), AbortSignal.timeout(startTimeoutMs))
    },

    lastActiveAt: registry.lastActiveAt,

    /** Leaves what runs as it is; nobody hears of it any more. */
    async close(): Promise<void> {
      closing = true
      endedExecCache.close()
      const sessions = [...entries.values()].flatMap((workspaceEntries) =>
        [...workspaceEntries.values()].flatMap(({ session }) => session ?? []),
      )
      await Promise.all(sessions.map((session) => session.detach(closeTimeoutMs)))
    },
  }
}

/** What tells a run among processes: of any id, in characters that every provider takes. */
function execTag(execId: string): string {
  return `exec-${createHash('sha256').update(execId).digest('hex').slice(0, 32)}`
}

function execFingerprint({ input, ...rest }: Omit<ExecRequest, 'execId'>): string {
  const hash = createHash('sha256').update(JSON.stringify(rest))
  if (input !== null) hash.update(input)
  return hash.digest('hex')
}

function truncateCommand(command: string | readonly string[]): string | readonly string[] {
  const text = typeof command === 'string' ? command : command.join(' ')
  return text.length > maxCommandCharacters ? `${text.slice(0, maxCommandCharacters)}…` : command
}
