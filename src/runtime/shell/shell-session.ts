// One shell, whoever looks at it.
//   S1. It is read only as fast as whoever looks at it reads, and it is held up for a minute at most.
//   S2. One looks at a time: who comes later takes it over. What comes while the screen is drawn for him waits, so that nothing of it is
//       missing, and nothing is shown twice.
//   S3. Nobody looks at it: it goes on for some minutes, then it is hung up.
import type { GuestProcess } from '../../provider/guest.ts'
import type { ProcessExit, TerminalSize } from '../../workspace/guest-process.ts'
import { settlesWithin } from '../settles-within.ts'
import type { ShellScreen } from './shell-screen.ts'

/** Why whoever looked at a shell is not shown it any more. */
export type DetachReason =
  | { readonly kind: 'ended'; readonly exit: ProcessExit }
  | { readonly kind: 'taken-over' }
  | { readonly kind: 'not-reading' }
  | { readonly kind: 'closing' }

/** Whoever looks at a shell. */
export interface ShellViewer {
  /** The first word. */
  onAttached(sessionId: string, resumed: boolean): void
  /** Shows output. `undefined`: there is room for more; else it settles when there is, or when nobody is there any more. */
  write(bytes: Uint8Array): Promise<void> | undefined
  /** The last word. */
  onDetached(reason: DetachReason): void
}

/** What a viewer may do. Once he has parted, nothing happens. */
export interface ShellAttachment {
  /** Types. `undefined`: there is room for more; else it settles when there is. */
  write(bytes: Uint8Array): Promise<void> | undefined
  resize(size: TerminalSize): void
  /** Stands up; the shell goes on, unless it is `forGood`. */
  detach(terminate: boolean): void
}

export interface ShellTimeouts {
  /** How long a shell that nobody looks at is kept, and how long its end is remembered. */
  readonly retentionMs: number
  /** How long a viewer who does not read holds it up. */
  readonly stallTimeoutMs: number
  /** How long it may take to end after SIGHUP. */
  readonly hangUpTimeoutMs: number
}

export type ShellSession = ReturnType<typeof shellSession>

/** So much may not be drawn yet: more would hold up everybody else while it is. */
const maxPendingScreenBytes = 128 * 1024

interface ShellSessionDeps {
  readonly id: string
  readonly guestProcess: GuestProcess
  readonly screen: ShellScreen
  readonly size: TerminalSize
  readonly timeouts: ShellTimeouts
  /** What its end means, since a workspace that is stopped takes its shells along. */
  readonly explainExit: (exit: ProcessExit) => ProcessExit
  readonly onEnded: (exit: ProcessExit) => void
  /** It can be forgotten: it has ended, and somebody was told or nobody came to ask. */
  readonly onDisposed: () => void
}

/** Holds a shell that was started. It begins to be read when the first viewer is there. */
export function shellSession({
  id,
  guestProcess,
  screen,
  timeouts,
  explainExit,
  onEnded,
  onDisposed,
  ...deps
}: ShellSessionDeps) {
  let { size } = deps
  let viewer: ShellViewer | null = null
  let resolveViewerLeft = () => {}
  let redrawing: Promise<void> | null = null
  let exit: ProcessExit | null = null
  let hangingUp: Promise<void> | null = null
  let idleTimer = setTimeout(onIdle, timeouts.retentionMs)
  let forceExit: (exit: ProcessExit) => void = () => {}
  const forcedExit = new Promise<ProcessExit>((resolve) => (forceExit = resolve))
  let finished: Promise<void> | null = null

  function startReading(): Promise<void> {
    finished ??= Promise.race([readOutput(), forcedExit]).then((processExit) => {
      exit = explainExit(processExit)
      onEnded(exit)
      detachViewer({ kind: 'ended', exit })
    })
    return finished
  }

  async function readOutput(): Promise<ProcessExit> {
    for await (const { bytes } of guestProcess.output) {
      if (redrawing) await whenRedrawn()
      const viewerDrained = viewer?.write(bytes)
      const screenWritten = screen.write(bytes)
      if (viewerDrained) await waitForViewer(viewerDrained)
      if (screen.pendingBytes() > maxPendingScreenBytes) await screenWritten
    }
    await whenRedrawn()
    return guestProcess.exited
  }

  /** Settles when no screen is being drawn for anybody. */
  async function whenRedrawn(): Promise<void> {
    if (!redrawing) return
    await redrawing
    await whenRedrawn()
  }

  async function waitForViewer(drained: Promise<void>): Promise<void> {
    const stalledViewer = viewer
    const viewerLeft = new Promise<void>((resolve) => (resolveViewerLeft = resolve))
    const inTime = await settlesWithin(timeouts.stallTimeoutMs, Promise.race([drained, viewerLeft]))
    if (!inTime && viewer === stalledViewer) detachViewer({ kind: 'not-reading' })
  }

  function detachViewer(reason: DetachReason) {
    const previous = viewer
    viewer = null
    resolveViewerLeft()
    clearTimeout(idleTimer)
    previous?.onDetached(reason)
    if (exit && previous) return dispose()
    idleTimer = setTimeout(onIdle, timeouts.retentionMs)
  }

  function onIdle() {
    if (exit) dispose()
    else void hangUp()
  }

  function dispose() {
    clearTimeout(idleTimer)
    screen.close()
    onDisposed()
  }

  /** As when a terminal is closed; what does not care is killed, and what cannot be is left alone. */
  function hangUp(): Promise<void> {
    hangingUp ??= (async () => {
      const ended = startReading()
      await guestProcess.signal('SIGHUP')
      if (await settlesWithin(timeouts.hangUpTimeoutMs, ended)) return
      await guestProcess.signal('SIGKILL')
      if (await settlesWithin(timeouts.hangUpTimeoutMs, ended)) return
      forceExit({ kind: 'lost', message: 'It could not be ended.' })
      guestProcess.detach()
      await ended
    })()
    return hangingUp
  }

  function resize(newSize: TerminalSize) {
    if (exit || (newSize.columns === size.columns && newSize.rows === size.rows)) return
    size = newSize
    screen.resize(newSize)
    void guestProcess.resize(newSize)
  }

  return {
    id,
    isAlive: () => exit === null,

    /** Gives somebody the only seat: whoever had it is told. He is shown the screen as it is, if it has been seen before. */
    attach(newViewer: ShellViewer, requestedSize: TerminalSize): ShellAttachment {
      if (viewer) detachViewer({ kind: 'taken-over' })
      clearTimeout(idleTimer)
      viewer = newViewer
      resize(requestedSize)
      if (finished) {
        const redraw = screen.snapshot().then((snapshot) => {
          if (viewer === newViewer) {
            newViewer.onAttached(id, true)
            void newViewer.write(snapshot)
            if (exit) detachViewer({ kind: 'ended', exit })
          }
          if (redrawing === redraw) redrawing = null
        })
        redrawing = redraw
      } else {
        newViewer.onAttached(id, false)
        void startReading()
      }
      return {
        write: (bytes) => (viewer === newViewer && exit === null ? writeToStdin(guestProcess, bytes) : undefined),
        resize: (newSize) => viewer === newViewer && resize(newSize),
        detach(terminate) {
          if (viewer !== newViewer) return
          viewer = null
          resolveViewerLeft()
          idleTimer = setTimeout(onIdle, timeouts.retentionMs)
          if (terminate) void hangUp()
        },
      }
    },

    hangUp,

    /** Lets go of one that has ended. */
    dispose: dispose,

    /** Ends it with the service. */
    async close(): Promise<void> {
      if (viewer) detachViewer({ kind: 'closing' })
      if (!exit) await hangUp()
      dispose()
    },
  }
}

function writeToStdin({ stdin }: GuestProcess, bytes: Uint8Array): Promise<void> | undefined {
  if (!stdin || stdin.destroyed || stdin.writableEnded || stdin.write(bytes)) return undefined
  return new Promise((resolve) => {
    for (const event of ['drain', 'close', 'finish', 'error']) stdin.once(event, () => resolve())
  })
}
