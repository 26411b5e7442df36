// One shell, whoever looks at it.
//   S1. It is read only as fast as whoever looks at it reads, and it is held up for a minute at most.
//   S2. One looks at a time: who comes later takes it over. What comes while the screen is drawn for him waits, so that nothing of it is
//       missing, and nothing is shown twice.
//   S3. Nobody looks at it: it goes on for some minutes, then it is hung up.
import type { Run } from '../provider/inside.ts'
import type { RunEnd, TerminalSize } from '../workspace/run.ts'
import { within } from './deadline.ts'
import type { ShellScreen } from './shell-screen.ts'

/** Why whoever looked at a shell is not shown it any more. */
export type Parting =
  | { readonly kind: 'ended'; readonly end: RunEnd }
  | { readonly kind: 'taken-over' }
  | { readonly kind: 'not-reading' }
  | { readonly kind: 'closing' }

/** Whoever looks at a shell. */
export interface Viewer {
  /** The first word. */
  began(session: string, resumed: boolean): void
  /** Shows output. `undefined`: there is room for more; else it settles when there is, or when nobody is there any more. */
  show(bytes: Uint8Array): Promise<void> | undefined
  /** The last word. */
  part(why: Parting): void
}

/** What a viewer may do. Once he has parted, nothing happens. */
export interface Seat {
  /** Types. `undefined`: there is room for more; else it settles when there is. */
  type(bytes: Uint8Array): Promise<void> | undefined
  resize(size: TerminalSize): void
  /** Stands up; the shell goes on, unless it is `forGood`. */
  leave(forGood: boolean): void
}

export interface ShellTimes {
  /** How long a shell that nobody looks at is kept, and how long its end is remembered. */
  readonly keptMs: number
  /** How long a viewer who does not read holds it up. */
  readonly patienceMs: number
  /** How long it may take to end after SIGHUP. */
  readonly hangUpMs: number
}

export type ShellSession = ReturnType<typeof shellSession>

/** So much may not be drawn yet: more would hold up everybody else while it is. */
const undrawnBytes = 128 * 1024

interface SessionDeps {
  readonly id: string
  readonly run: Run
  readonly screen: ShellScreen
  readonly size: TerminalSize
  readonly times: ShellTimes
  /** What its end means, since a workspace that is stopped takes its shells along. */
  readonly explain: (end: RunEnd) => RunEnd
  readonly ended: (end: RunEnd) => void
  /** It can be forgotten: it has ended, and somebody was told or nobody came to ask. */
  readonly forget: () => void
}

/** Holds a shell that was started. It begins to be read when the first viewer is there. */
export function shellSession({ id, run, screen, times, explain, ended, forget, ...deps }: SessionDeps) {
  let { size } = deps
  let viewer: Viewer | null = null
  let gone = () => {}
  let drawing: Promise<void> | null = null
  let end: RunEnd | null = null
  let hangingUp: Promise<void> | null = null
  let idle = setTimeout(dropped, times.keptMs)
  let give: (how: RunEnd) => void = () => {}
  const given = new Promise<RunEnd>((resolve) => (give = resolve))
  let over: Promise<void> | null = null

  function begin(): Promise<void> {
    over ??= Promise.race([read(), given]).then((how) => {
      end = explain(how)
      ended(end)
      part({ kind: 'ended', end })
    })
    return over
  }

  async function read(): Promise<RunEnd> {
    for await (const { bytes } of run.output) {
      if (drawing) await drawn()
      const shown = viewer?.show(bytes)
      const written = screen.write(bytes)
      if (shown) await patience(shown)
      if (screen.behindBytes() > undrawnBytes) await written
    }
    await drawn()
    return run.ended
  }

  /** Settles when no screen is being drawn for anybody. */
  async function drawn(): Promise<void> {
    if (!drawing) return
    await drawing
    await drawn()
  }

  async function patience(shown: Promise<void>): Promise<void> {
    const waiting = viewer
    const left = new Promise<void>((resolve) => (gone = resolve))
    const inTime = await within(times.patienceMs, Promise.race([shown, left]))
    if (!inTime && viewer === waiting) part({ kind: 'not-reading' })
  }

  function part(why: Parting) {
    const before = viewer
    viewer = null
    gone()
    clearTimeout(idle)
    before?.part(why)
    if (end && before) return close()
    idle = setTimeout(dropped, times.keptMs)
  }

  function dropped() {
    if (end) close()
    else void hangUp()
  }

  function close() {
    clearTimeout(idle)
    screen.close()
    forget()
  }

  /** As when a terminal is closed; what does not care is killed, and what cannot be is left alone. */
  function hangUp(): Promise<void> {
    hangingUp ??= (async () => {
      const done = begin()
      await run.signal('SIGHUP')
      if (await within(times.hangUpMs, done)) return
      await run.signal('SIGKILL')
      if (await within(times.hangUpMs, done)) return
      give({ kind: 'lost', message: 'It could not be ended.' })
      run.leave()
      await done
    })()
    return hangingUp
  }

  function resize(next: TerminalSize) {
    if (end || (next.columns === size.columns && next.rows === size.rows)) return
    size = next
    screen.resize(next)
    void run.resize(next)
  }

  return {
    id,
    alive: () => end === null,

    /** Gives somebody the only seat: whoever had it is told. He is shown the screen as it is, if it has been seen before. */
    sit(next: Viewer, wanted: TerminalSize): Seat {
      if (viewer) part({ kind: 'taken-over' })
      clearTimeout(idle)
      viewer = next
      resize(wanted)
      if (over) {
        const shown = screen.picture().then((picture) => {
          if (viewer === next) {
            next.began(id, true)
            void next.show(picture)
            if (end) part({ kind: 'ended', end })
          }
          if (drawing === shown) drawing = null
        })
        drawing = shown
      } else {
        next.began(id, false)
        void begin()
      }
      return {
        type: (bytes) => (viewer === next && end === null ? typed(run, bytes) : undefined),
        resize: (asked) => viewer === next && resize(asked),
        leave(forGood) {
          if (viewer !== next) return
          viewer = null
          gone()
          idle = setTimeout(dropped, times.keptMs)
          if (forGood) void hangUp()
        },
      }
    },

    hangUp,

    /** Lets go of one that has ended. */
    forget: close,

    /** Ends it with the service. */
    async close(): Promise<void> {
      if (viewer) part({ kind: 'closing' })
      if (!end) await hangUp()
      close()
    },
  }
}

function typed({ stdin }: Run, bytes: Uint8Array): Promise<void> | undefined {
  if (!stdin || stdin.destroyed || stdin.writableEnded || stdin.write(bytes)) return undefined
  return new Promise((resolve) => {
    for (const event of ['drain', 'close', 'finish', 'error']) stdin.once(event, () => resolve())
  })
}
