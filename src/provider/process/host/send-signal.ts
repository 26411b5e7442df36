import { systemErrorCode } from './system-error.ts'

// Microseconds before, somebody must have seen that a number is still that process's: none is given out again so soon.

/** Sends a signal to a process and, if it leads a group, to the group. Not there any more is fine. */
export function signalProcessAndGroup(pid: number, name: NodeJS.Signals): void {
  send(-pid, name)
  send(pid, name)
}

/** Sends a signal to a process group. Not there any more is fine. */
export function signalProcessGroup(group: number, name: NodeJS.Signals): void {
  send(-group, name)
}

/** Sends a signal to a process alone. Not there any more is fine. */
export function signalProcess(pid: number, name: NodeJS.Signals): void {
  send(pid, name)
}

function send(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name)
  } catch (error) {
    // EPERM: it has become another user's. Whoever waits for its end will say so.
    if (systemErrorCode(error) !== 'ESRCH' && systemErrorCode(error) !== 'EPERM') throw error
  }
}
