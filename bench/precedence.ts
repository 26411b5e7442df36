import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const unit = join(dirname(fileURLToPath(import.meta.url)), '../deploy/vm-api.service')
const groups = '/sys/fs/cgroup'

/** A share of the processors that a process has until `end()`. */
export interface Share {
  readonly weight: number
  end(): void
}

/**
 * Gives a process the share of the processors that systemd gives the service, by the `CPUWeight` of its unit. `null` where that may not be
 * done (Linux, root, control groups of either version at their usual place).
 */
export function shareAsDeployed(pid: number): Share | null {
  const weight = Number(/^CPUWeight=(\d+)$/m.exec(readFileSync(unit, 'utf8'))?.[1])
  const old = existsSync(join(groups, 'cpu/cpu.shares'))
  const root = old ? join(groups, 'cpu') : groups
  const own = join(root, `vm-api-bench-${pid}`)
  try {
    if (!old) writeFileSync(join(root, 'cgroup.subtree_control'), '+cpu')
    mkdirSync(own)
    // As systemd reckons it: 100 of the new are 1024 of the old.
    if (old) writeFileSync(join(own, 'cpu.shares'), String((weight / 100) * 1024))
    else writeFileSync(join(own, 'cpu.weight'), String(weight))
    writeFileSync(join(own, 'cgroup.procs'), String(pid))
  } catch {
    return null
  }
  return {
    weight,
    end() {
      writeFileSync(join(root, 'cgroup.procs'), String(pid))
      rmdirSync(own)
    },
  }
}

/**
 * Lets a process that measures go before all others, as if it were on another machine: what it finds is not its own delay then. Answers
 * false where that may not be done (Linux, root, `chrt`).
 */
export function precede(pid: number): boolean {
  try {
    execFileSync('chrt', ['--all-tasks', '--rr', '--pid', '1', String(pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
