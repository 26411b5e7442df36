// One shell in a workspace.
//   S1. Its output is read only as fast as its viewer reads, which blocks the shell for at most the stall timeout.
//   S2. It has one viewer at a time: the next one takes it over. Output that arrives while the screen is redrawn for a viewer waits, so that
//       nothing is missing and nothing is shown twice.
//   S3. Without a viewer it runs on for the retention time, then it is hung up.
import type { GuestProcess } from '../../provider/guest.ts'
import type { Clock } from '../../workspace/clock.ts'
import type { ProcessExit, TerminalSize } from '../../workspace/guest-process.ts'
import { shellOutput } from './shell-output.ts'
import type { ShellScreen } from './shell-screen.ts'
import type { DetachReason, ShellAttachment, ShellViewer, ViewerTimeouts } from './shell-viewer.ts'
import { viewerSlot } from './shell-viewer.ts'

export interface ShellTimeouts extends ViewerTimeouts {
  /** How long a shell may take to end after each signal of a hang-up. */
  readonly hangUpTimeoutMs: number
}

export interface ShellSessionDeps {
  readonly id: string
  readonly guestProcess: GuestProcess
  readonly screen: ShellScreen
  readonly size: TerminalSize
  readonly clock: Clock
  readonly timeouts: ShellTimeouts
  /** What an exit means: a workspace that is stopped takes its shells along. */
  readonly explainExit: (exit: ProcessExit) => ProcessExit
  readonly onEnded: (exit: ProcessExit) => void
  /** The session can be forgotten: its end was reported to a viewer, or none came for it in time. */
  readonly onDisposed: () => void
}

export type ShellSession = ReturnType<typeof shellSession>

/** Holds a shell that was started. Its output is read from the first viewer on. */
export function shellSession({ id, guestProcess, screen, clock, timeouts, ...deps }: ShellSessionDeps) {
  const viewers = viewerSlot(clock, timeouts)
  const output = shellOutput({ guestProcess, screen, viewers })
  const resize = terminalResizer(guestProcess, screen, deps.size)
  let exit: ProcessExit | null = null
  let reading: Promise<void> | null = null
  let disposed = false
  function detachViewer(reason: DetachReason | null) {
    if (viewers.vacate(reason) && exit && reason) dispose()
  }

  /** Settles when the shell has ended. */
  function readOutput(): Promise<void> {
    reading ??= output
      .copy(() => detachViewer({ kind: 'stalled' }))
      .then((processExit) => {
        exit = deps.explainExit(processExit)
        deps.onEnded(exit)
        detachViewer({ kind: 'ended', exit })
      })
    return reading
  }

  const hangUp = () => output.hangUp(readOutput(), clock, timeouts.hangUpTimeoutMs)

  function dispose() {
    if (disposed) return
    disposed = true
    viewers.close()
    screen.close()
    deps.onDisposed()
  }

  const actions: ShellAttachment = {
    write: (bytes) => (exit ? undefined : writeToStdin(guestProcess, bytes)),
    resize: (size) => (exit ? undefined : resize(size)),
    detach(terminate) {
      detachViewer(null)
      if (terminate) void hangUp()
    },
  }

  async function redrawFor(viewer: ShellViewer): Promise<void> {
    const snapshot = await screen.snapshot()
    if (viewers.current() !== viewer) return
    viewer.onAttached(id, true)
    void viewer.write(snapshot)
    if (exit) detachViewer({ kind: 'ended', exit })
  }

  viewers.watchIdle(() => (exit ? dispose() : void hangUp()))
  return {
    id,
    hasEnded: () => exit !== null,

    /** Makes a client the viewer; a previous one is detached. The screen is drawn for it if the shell had a viewer before. */
    attach(viewer: ShellViewer, requestedSize: TerminalSize): ShellAttachment {
      viewers.occupy(viewer)
      actions.resize(requestedSize)
      if (reading) output.holdUntil(redrawFor(viewer))
      else {
        viewer.onAttached(id, false)
        void readOutput()
      }
      return viewers.attachment(viewer, actions)
    },

    hangUp,

    /** Forgets a shell that has ended. */
    dispose,

    /** Ends the shell because the service ends. Settles within twice the hang-up timeout. */
    async close(): Promise<void> {
      if (viewers.current()) detachViewer({ kind: 'shutdown' })
      if (!exit) await hangUp()
      dispose()
    },
  }
}

function terminalResizer(guestProcess: GuestProcess, screen: ShellScreen, initialSize: TerminalSize) {
  let size = initialSize
  return (newSize: TerminalSize): void => {
    if (newSize.columns === size.columns && newSize.rows === size.rows) return
    size = newSize
    screen.resize(newSize)
    void guestProcess.resize(newSize)
  }
}

function writeToStdin({ stdin }: GuestProcess, bytes: Uint8Array): Promise<void> | undefined {
  if (!stdin || stdin.destroyed || stdin.writableEnded || stdin.write(bytes)) return undefined
  return new Promise((resolve) => {
    for (const event of ['drain', 'close', 'finish', 'error']) stdin.once(event, () => resolve())
  })
}
