import type { Clock } from '../../workspace/clock.ts'
import type { ProcessExit, TerminalSize } from '../../workspace/guest-process.ts'
import { settlesWithin } from '../timeouts.ts'

/** Why a viewer is detached from a shell. */
export type DetachReason =
  | { readonly kind: 'ended'; readonly exit: ProcessExit }
  | { readonly kind: 'taken-over' }
  | { readonly kind: 'stalled' }
  | { readonly kind: 'shutdown' }

/** The client of a shell, as the session sees it. */
export interface ShellViewer {
  /** Called first. */
  onAttached(sessionId: string, resumed: boolean): void
  /** Shows output. `undefined`: there is room for more; else settles when there is, or when the client is gone. */
  write(bytes: Uint8Array): Promise<void> | undefined
  /** Called last, unless the viewer detaches by itself. */
  onDetached(reason: DetachReason): void
}

/** What a viewer may do. Nothing has an effect after the viewer was detached. */
export interface ShellAttachment {
  /** Types. `undefined`: there is room for more; else settles when there is. */
  write(bytes: Uint8Array): Promise<void> | undefined
  resize(size: TerminalSize): void
  /** Detaches the viewer. The shell runs on, or is hung up if `terminate`. */
  detach(terminate: boolean): void
}

export type ViewerSlot = ReturnType<typeof viewerSlot>

export interface ViewerTimeouts {
  /** How long a shell without a viewer runs on, and how long its end is retained. */
  readonly retentionMs: number
  /** How long a stalled viewer may block a shell. */
  readonly stallTimeoutMs: number
}

/** The place of the one viewer of a shell. */
export function viewerSlot(clock: Clock, { retentionMs, stallTimeoutMs }: ViewerTimeouts) {
  let viewer: ShellViewer | null = null
  let resolveLeft = () => {}
  let onIdle = () => {}
  let cancelIdleTimer = () => {}
  let closed = false

  function startIdleTimer() {
    cancelIdleTimer()
    if (!closed) cancelIdleTimer = clock.timer(retentionMs, () => onIdle())
  }

  /** Removes the viewer, and tells it why unless it left by itself. Returns whether there was one. */
  function vacate(reason: DetachReason | null): boolean {
    const previous = viewer
    viewer = null
    resolveLeft()
    if (reason) previous?.onDetached(reason)
    startIdleTimer()
    return previous !== null
  }

  return {
    current: () => viewer,

    /** Calls back each time there was no viewer for the retention time. */
    watchIdle(callback: () => void): void {
      onIdle = callback
      startIdleTimer()
    },

    /** Takes the place over from the previous viewer. */
    occupy(newViewer: ShellViewer): void {
      vacate({ kind: 'taken-over' })
      cancelIdleTimer()
      viewer = newViewer
    },

    vacate,

    /** What a viewer may do while it is the current one. */
    attachment: (attached: ShellViewer, actions: ShellAttachment): ShellAttachment => ({
      write: (bytes) => (viewer === attached ? actions.write(bytes) : undefined),
      resize: (size) => (viewer === attached ? actions.resize(size) : undefined),
      detach: (terminate) => (viewer === attached ? actions.detach(terminate) : undefined),
    }),

    /** Stops watching for idleness. */
    close(): void {
      closed = true
      cancelIdleTimer()
    },

    /** Waits until the viewer has taken what was written, or has left. Returns false if it did neither within the stall timeout. */
    async drains(drained: Promise<void>): Promise<boolean> {
      const waitingFor = viewer
      const left = new Promise<void>((resolve) => (resolveLeft = resolve))
      const inTime = await settlesWithin(clock, stallTimeoutMs, Promise.race([drained, left]))
      return inTime || viewer !== waitingFor
    },
  }
}
