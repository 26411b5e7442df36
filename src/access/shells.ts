// The shells of all workspaces.
import { randomUUID } from 'node:crypto'
import type { Inside } from '../provider/inside.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Fault } from '../workspace/fault.ts'
import type { RunEnd, TerminalSize } from '../workspace/run.ts'
import type { Subject } from '../workspace/subject.ts'
import { openScreen } from './shell-screen.ts'
import type { ShellSession, ShellTimes } from './shell-session.ts'
import { shellSession } from './shell-session.ts'

/** Where it is written down who opened which shell, and how it ended. */
export interface ShellBook {
  /** Settles when it is on disk. @throws what the database throws; it is not written then. */
  began(shell: {
    readonly id: string
    readonly workspace: WorkspaceId
    readonly owner: string
    readonly by: string
    /** What runs in place of a shell. */
    readonly argv: readonly string[] | undefined
  }): Promise<void>
  /** It never began after all. */
  unbegun(workspace: WorkspaceId, id: string): void
  ended(workspace: WorkspaceId, id: string, end: RunEnd): void
}

export interface ShellsDeps {
  readonly book: ShellBook
  readonly times?: Partial<ShellTimes>
}

export interface ShellWanted {
  readonly subject: Subject
  readonly inside: Inside
  /** `user:NAME`. */
  readonly by: string
  readonly size: TerminalSize
  /** What runs in it; by default a login shell. */
  readonly argv?: readonly string[]
  /** Who runs it, by default the recipe's user. */
  readonly user?: string
  /** Why the workspace runs no more, since that is why the shell ended; `null`: it runs. */
  readonly whyDown: () => string | null
}

export type Opened =
  | { readonly kind: 'opened'; readonly session: ShellSession }
  | { readonly kind: 'too-many' }
  | { readonly kind: 'closing' }
  | { readonly kind: 'not-written'; readonly error: unknown }
  | { readonly kind: 'fault'; readonly fault: Fault }

export type Shells = ReturnType<typeof openShells>

/** How many shells a workspace may have at a time. */
export const shellsPerWorkspace = 32
/** How many shells that have ended are remembered, until somebody asks. */
const endedPerWorkspace = 32

/** A login shell, the best that there is. */
const loginShell = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash -l; exec sh -l']

const usual: ShellTimes = { keptMs: 5 * 60_000, patienceMs: 60_000, hangUpMs: 3000 }

/** Holds the shells of all workspaces until `close()`. */
export function openShells({ book, times = {} }: ShellsDeps) {
  const sessions = new Map<WorkspaceId, Map<string, ShellSession>>()
  const opening = new Map<WorkspaceId, number>()
  let closing = false

  function of(workspace: WorkspaceId): ShellSession[] {
    return [...(sessions.get(workspace)?.values() ?? [])]
  }

  function isFull(workspace: WorkspaceId): boolean {
    const alive = of(workspace).filter((session) => session.alive()).length
    return alive + (opening.get(workspace) ?? 0) >= shellsPerWorkspace
  }

  async function start(
    { subject, inside, by, size, whyDown, argv, user }: ShellWanted,
    signal: AbortSignal,
  ): Promise<Opened> {
    const id = randomUUID()
    const workspace = subject.id
    const screen = await openScreen(size)
    try {
      await book.began({ id, workspace, owner: subject.owner, by, argv }) // law 1
    } catch (error) {
      screen.close()
      return { kind: 'not-written', error }
    }
    const started = await inside.run(
      subject,
      {
        mark: id,
        argv: argv ?? loginShell,
        env: { TERM: 'xterm-256color' },
        cwd: null,
        user: user ?? null,
        stdin: true,
        terminal: size,
      },
      signal,
    )
    if (!started.ok) {
      screen.close()
      book.unbegun(workspace, id)
      return { kind: 'fault', fault: started.fault }
    }
    const session = shellSession({
      id,
      run: started.value,
      screen,
      size,
      times: { ...usual, ...times },
      explain(end) {
        const why = isOrdinary(end) ? null : whyDown()
        return why === null ? end : { kind: 'lost', message: why }
      },
      ended: (end) => book.ended(workspace, id, end),
      forget() {
        const those = sessions.get(workspace)
        if (those?.delete(id) === true && those.size === 0) sessions.delete(workspace)
      },
    })
    sessions.set(workspace, (sessions.get(workspace) ?? new Map<string, ShellSession>()).set(id, session))
    const over = of(workspace).filter((one) => !one.alive())
    if (over.length > endedPerWorkspace) over[0]?.forget()
    if (!closing) return { kind: 'opened', session }
    await session.close()
    return { kind: 'closing' }
  }

  return {
    /** The shell of a workspace with this id; `undefined` if there is none any more. */
    find: (workspace: WorkspaceId, session: string): ShellSession | undefined => sessions.get(workspace)?.get(session),

    isFull,

    /** Starts a shell. Nobody who looks at it within some minutes: it is hung up. */
    async open(wanted: ShellWanted, signal: AbortSignal): Promise<Opened> {
      const { id } = wanted.subject
      if (closing) return { kind: 'closing' }
      if (isFull(id)) return { kind: 'too-many' }
      opening.set(id, (opening.get(id) ?? 0) + 1)
      try {
        return await start(wanted, signal)
      } finally {
        const rest = (opening.get(id) ?? 1) - 1
        if (rest === 0) opening.delete(id)
        else opening.set(id, rest)
      }
    },

    /** Hangs all up, and tells whoever looks. Answers when they have ended, some seconds later at most. */
    async close(): Promise<void> {
      closing = true
      await Promise.all([...sessions.values()].flatMap((those) => [...those.values()].map((one) => one.close())))
    },
  }
}

/** It ended by itself, or could be thought to. */
function isOrdinary(end: RunEnd): boolean {
  return end.kind === 'exited' && end.code < 128
}
