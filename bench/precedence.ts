import { execFileSync } from 'node:child_process'

/**
 * Lets a process go before all others whenever it has something to do, or ends that: what it is measured to take is then its own and not
 * what others leave it. Answers false where that may not be done (Linux, root, `chrt`).
 */
export function precede(pid: number, on: boolean): boolean {
  try {
    execFileSync('chrt', ['--all-tasks', ...(on ? ['--rr'] : ['--other']), '--pid', on ? '1' : '0', String(pid)], {
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}
