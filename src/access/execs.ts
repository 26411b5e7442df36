// The commands that run in all workspaces, and those that have run a while ago.
//   E1. Write, then act: a command begins when its row is on disk (law 1).
//   E2. The same id again is the same run. It runs nothing.
//   E3. Memory is bounded: so many run at a time, and of each so much is kept.
import { createHash, randomUUID } from 'node:crypto'
import type { LoggedRun } from '../persistence/exec-log.ts'
import type { Inside } from '../provider/inside.ts'
import type { Fault, Outcome } from '../workspace/fault.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Subject } from '../workspace/subject.ts'
import { within } from './deadline.ts'
import { endedRuns } from './ended-runs.ts'
import type { ExecRun } from './exec-run.ts'
import { execRun } from './exec-run.ts'
import type { KeptLimits } from './kept-output.ts'
import { usualLimits } from './kept-output.ts'
import type { RunBook } from './run-book.ts'

export interface ExecTimes {
  /** How long a reader who does not read holds a command up. */
  readonly patienceMs: number
  /** How long the output of one that has ended is kept. */
  readonly keptMs: number
}

export interface ExecsDeps {
  readonly book: RunBook
  readonly now: () => number
  readonly times?: Partial<ExecTimes>
  readonly limits?: Partial<KeptLimits>
}

/** Where something is run, or looked for. */
export interface ExecPlace {
  readonly subject: Subject
  readonly inside: Inside
}

export interface ExecWish {
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

export type Began =
  | { readonly kind: 'held'; readonly execId: string; readonly run: ExecRun }
  /** It has run, and its output is forgotten. */
  | { readonly kind: 'past'; readonly execId: string; readonly logged: LoggedRun }
  | { readonly kind: 'id-reused' }
  | { readonly kind: 'too-many' }
  | { readonly kind: 'closing' }
  | { readonly kind: 'not-written'; readonly error: unknown }
  | { readonly kind: 'fault'; readonly fault: Fault }

export type Execs = ReturnType<typeof openExecs>

/** How many commands may run in a workspace at a time. */
export const runsPerWorkspace = 128
const startMs = 30_000
const closeMs = 5000
const unbegunMs = 1000
/** All runs together keep about so much, whoever began them; but each of them this. */
const keptInAll = 256 * 1024 * 1024
const keptOfEach = 64 * 1024
/** A longer command is shown cut. */
const shownCharacters = 16 * 1024

const usual: ExecTimes = { patienceMs: 60_000, keptMs: 60 * 60_000 }

interface Held {
  readonly fingerprint: string
  readonly begun: Promise<Began>
  /** There once it has begun. */
  run: ExecRun | null
}

/** Holds the runs of all workspaces until `close()`. */
export function openExecs({ book, now, times, limits }: ExecsDeps) {
  const { patienceMs, keptMs } = { ...usual, ...times }
  const held = new Map<WorkspaceId, Map<string, Held>>()
  const past = endedRuns(keptMs, forget)
  let many = 0
  let closing = false

  function forget(workspace: WorkspaceId, execId: string) {
    const those = held.get(workspace)
    if (those?.delete(execId) !== true) return
    many -= 1
    if (those.size === 0) held.delete(workspace)
  }

  function isFull(workspace: WorkspaceId): boolean {
    let alive = 0
    for (const { run } of held.get(workspace)?.values() ?? []) if (run?.ended() !== true) alive += 1
    return alive >= runsPerWorkspace
  }

  async function start(place: ExecPlace, wish: ExecWish, execId: string, by: string, print: string): Promise<Began> {
    const { subject, inside } = place
    const { command, env, cwd, user, input, timeoutMs } = wish
    const startedAt = now()
    try {
      await book.begun({
        workspace: subject.id,
        execId,
        kind: 'exec',
        owner: subject.owner,
        by,
        command: JSON.stringify(shown(command)),
        fingerprint: print,
        startedAt,
      })
    } catch (error) {
      return { kind: 'not-written', error }
    }
    const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
    const wanted = { mark: markOf(execId), argv, env, cwd, user, stdin: input !== null, terminal: null }
    // Whoever asked may leave meanwhile: it runs all the same.
    const started = await inside.run(subject, wanted, AbortSignal.timeout(startMs))
    if (!started.ok) {
      const { fault } = started
      // What is known not to run may be tried again under its id; of anything else, nobody knows.
      if (fault.again === 'never' || fault.again === 'gone') await within(unbegunMs, book.unbegun(subject.id, execId))
      else book.ended(subject.id, execId, { endedAt: now(), exitCode: null, signal: null, error: 'lost' })
      return { kind: 'fault', fault }
    }
    const run = execRun({
      run: started.value,
      startedAt,
      input,
      timeoutMs,
      patienceMs,
      limits: { ...usualLimits, ...limits },
      share: () => Math.max(keptOfEach, keptInAll / many),
      now,
      ended: (ending) => book.ended(subject.id, execId, ending),
    })
    void run.told.then(() => past.add(subject.id, execId, run.keptBytes()))
    if (closing) await run.leave(closeMs)
    return closing ? { kind: 'closing' } : { kind: 'held', execId, run }
  }

  return {
    /** Runs a command, or finds the run that has this id already. */
    async begin(place: ExecPlace, wish: ExecWish, by: string): Promise<Began> {
      if (closing) return { kind: 'closing' }
      const { id } = place.subject
      const { execId: wanted, ...asked } = wish
      const execId = wanted ?? randomUUID()
      const print = fingerprintOf(asked)
      const known = held.get(id)?.get(execId)
      if (known) return known.fingerprint === print ? known.begun : { kind: 'id-reused' }
      const logged = wanted === null ? undefined : book.find(id, execId)
      if (logged) return logged.fingerprint === print ? { kind: 'past', execId, logged } : { kind: 'id-reused' }
      if (isFull(id)) return { kind: 'too-many' }
      const begun = start(place, wish, execId, by, print)
      const mine: Held = { fingerprint: print, begun, run: null }
      many += 1
      held.set(id, (held.get(id) ?? new Map<string, Held>()).set(execId, mine))
      const how = await begun
      if (how.kind === 'held') mine.run = how.run
      else forget(id, execId)
      return how
    },

    /** A run of a workspace by its id; `undefined` if nobody remembers it. */
    async find(workspace: WorkspaceId, execId: string): Promise<Extract<Began, { kind: 'held' | 'past' }> | undefined> {
      const known = await held.get(workspace)?.get(execId)?.begun
      if (known?.kind === 'held') return known
      const logged = book.find(workspace, execId)
      return logged?.kind === 'exec' ? { kind: 'past', execId, logged } : undefined
    },

    /** The newest runs of a workspace, newest first. */
    recent: (workspace: WorkspaceId, limit: number): readonly LoggedRun[] => book.recent(workspace, limit),

    /** Ends what may be left of a run that is held no more. */
    async endLost({ subject, inside }: ExecPlace, execId: string): Promise<Outcome<void>> {
      return inside.endRun(subject, markOf(execId), AbortSignal.timeout(startMs))
    },

    lastActive: book.lastActive,

    /** Leaves what runs as it is; nobody hears of it any more. */
    async close(): Promise<void> {
      closing = true
      past.close()
      const runs = [...held.values()].flatMap((those) => [...those.values()].flatMap(({ run }) => run ?? []))
      await Promise.all(runs.map((run) => run.leave(closeMs)))
    },
  }
}

/** What tells a run among processes: of any id, in characters that every provider takes. */
function markOf(execId: string): string {
  return `exec-${createHash('sha256').update(execId).digest('hex').slice(0, 32)}`
}

function fingerprintOf({ input, ...rest }: Omit<ExecWish, 'execId'>): string {
  const hash = createHash('sha256').update(JSON.stringify(rest))
  if (input !== null) hash.update(input)
  return hash.digest('hex')
}

function shown(command: string | readonly string[]): string | readonly string[] {
  const text = typeof command === 'string' ? command : command.join(' ')
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : command
}
