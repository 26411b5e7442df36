import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const unitFile = join(dirname(fileURLToPath(import.meta.url)), '../../deploy/vm-api.service')
const cgroupRoot = '/sys/fs/cgroup'

/** A share of the processors that a process has until `end()`. */
export interface CpuShare {
  readonly weight: number
  release(): void
}

/**
 * Gives a process the share of the processors that systemd gives the service, by the `CPUWeight` of its unit. `null` where that may not be
 * done (Linux, root, control groups of either version at their usual place).
 */
export function applyServiceCpuShare(pid: number): CpuShare | null {
  const weight = Number(/^CPUWeight=(\d+)$/m.exec(readFileSync(unitFile, 'utf8'))?.[1])
  const isCgroupV1 = existsSync(join(cgroupRoot, 'cpu/cpu.shares'))
  const controllerRoot = isCgroupV1 ? join(cgroupRoot, 'cpu') : cgroupRoot
  const cgroup = join(controllerRoot, `vm-api-bench-${pid}`)
  try {
    if (!isCgroupV1) writeFileSync(join(controllerRoot, 'cgroup.subtree_control'), '+cpu')
    mkdirSync(cgroup)
    // As systemd reckons it: 100 of the new are 1024 of the old.
    if (isCgroupV1) writeFileSync(join(cgroup, 'cpu.shares'), String((weight / 100) * 1024))
    else writeFileSync(join(cgroup, 'cpu.weight'), String(weight))
    writeFileSync(join(cgroup, 'cgroup.procs'), String(pid))
  } catch {
    return null
  }
  return {
    weight,
    release() {
      writeFileSync(join(controllerRoot, 'cgroup.procs'), String(pid))
      rmdirSync(cgroup)
    },
  }
}

/**
 * Lets a process that measures go before all others, as if it were on another machine: what it finds is not its own delay then. Answers
 * false where that may not be done (Linux, root, `chrt`).
 */
export function raisePriority(pid: number): boolean {
  try {
    execFileSync('chrt', ['--all-tasks', '--rr', '--pid', '1', String(pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
