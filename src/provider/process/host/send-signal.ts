import { systemErrorCode } from './system-error.ts'

// Callers check that a pid is still the process's right before they use these functions: no pid is reused that soon.

/** Sends a signal to a process and, if it leads a group, to the group. Ignores a process that has exited. */
export function signalProcessAndGroup(pid: number, name: NodeJS.Signals): void {
  send(-pid, name)
  send(pid, name)
}

/** Sends a signal to a process group. Ignores a group that has ended. */
export function signalProcessGroup(group: number, name: NodeJS.Signals): void {
  send(-group, name)
}

/** Sends a signal to one process. Ignores a process that has exited. */
export function signalProcess(pid: number, name: NodeJS.Signals): void {
  send(pid, name)
}

function send(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name)
  } catch (error) {
    // EPERM: the process has become another user's. The caller, which waits for its end, reports that.
    if (systemErrorCode(error) !== 'ESRCH' && systemErrorCode(error) !== 'EPERM') throw error
  }
}
