import type { GuestProcess } from '../../provider/guest.ts'
import type { ProcessExit } from '../../workspace/guest-process.ts'
import type { Clock } from '../../workspace/clock.ts'
import { settlesWithin } from '../timeouts.ts'
import type { ShellScreen } from './shell-screen.ts'
import type { ViewerSlot } from './shell-viewer.ts'

export interface ShellOutputDeps {
  readonly guestProcess: GuestProcess
  readonly screen: ShellScreen
  readonly viewers: ViewerSlot
}

/** More may not wait to be drawn, because drawing it would hold up everything else. */
const maxPendingScreenBytes = 128 * 1024

/** Copies the output of a shell to its screen and its viewer. */
export function shellOutput({ guestProcess, screen, viewers }: ShellOutputDeps) {
  let hold: Promise<void> | null = null
  let hangingUp: Promise<void> | null = null
  let abandon: (exit: ProcessExit) => void = () => {}
  const abandoned = new Promise<ProcessExit>((resolve) => (abandon = resolve))

  async function whenNotHeld(): Promise<void> {
    if (!hold) return
    await hold
    await whenNotHeld()
  }

  async function copyAll(onStalled: () => void): Promise<ProcessExit> {
    for await (const { bytes } of guestProcess.output) {
      if (hold) await whenNotHeld()
      const viewerDrained = viewers.current()?.write(bytes)
      const screenWritten = screen.write(bytes)
      if (viewerDrained && !(await viewers.drains(viewerDrained))) onStalled()
      if (screen.pendingBytes() > maxPendingScreenBytes) await screenWritten
    }
    await whenNotHeld()
    return guestProcess.exited
  }

  async function endProcess(ended: Promise<void>, clock: Clock, timeoutMs: number): Promise<void> {
    for (const signal of ['SIGHUP', 'SIGKILL'] as const) {
      await guestProcess.signal(signal)
      if (await settlesWithin(clock, timeoutMs, ended)) return
    }
    abandon({ kind: 'lost', message: 'It could not be ended.' })
    guestProcess.detach()
    await ended
  }

  return {
    /** Copies until the shell has ended, or was abandoned; then settles with its exit. `onStalled`: the viewer does not read. */
    copy: (onStalled: () => void): Promise<ProcessExit> => Promise.race([copyAll(onStalled), abandoned]),
    /** Holds the output back until a promise has settled. */
    holdUntil(settled: Promise<void>): void {
      const newHold = settled.then(() => {
        if (hold === newHold) hold = null
      })
      hold = newHold
    },
    /**
     * Ends the shell as a closed terminal does, kills one that ignores that, and gives up one that cannot be killed: `copy` settles in any case.
     * `ended` is what settles after it. Each signal has `timeoutMs` to take effect.
     */
    hangUp(ended: Promise<void>, clock: Clock, timeoutMs: number): Promise<void> {
      hangingUp ??= endProcess(ended, clock, timeoutMs)
      return hangingUp
    },
  }
}
