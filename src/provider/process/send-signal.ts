import { codeOf } from './system-error.ts'

/**
 * Sends a signal to a process and, if it leads a group, to the group. Not there any more is fine. Microseconds before, somebody must
 * have seen that the number is still that process's: none is given out again so soon.
 */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, name)
    } catch (error) {
      // EPERM: it has become another user's. Whoever waits for its end will say so.
      if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error
    }
  }
}
