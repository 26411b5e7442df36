import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const unitFile = join(dirname(fileURLToPath(import.meta.url)), '../../deploy/vm-api.service')
const cgroupRoot = '/sys/fs/cgroup'

/** A process's share of the CPUs, in effect until `release`. */
export interface CpuShare {
  readonly weight: number
  release(): void
}

/**
 * Gives a process the `CPUWeight` of the service's systemd unit. Returns `null` where this is not permitted: it requires Linux, root, and
 * cgroups v1 or v2 at their usual mount point.
 */
export function applyServiceCpuShare(pid: number): CpuShare | null {
  const weight = Number(/^CPUWeight=(\d+)$/m.exec(readFileSync(unitFile, 'utf8'))?.[1])
  const isCgroupV1 = existsSync(join(cgroupRoot, 'cpu/cpu.shares'))
  const controllerRoot = isCgroupV1 ? join(cgroupRoot, 'cpu') : cgroupRoot
  const cgroup = join(controllerRoot, `vm-api-bench-${pid}`)
  try {
    if (!isCgroupV1) writeFileSync(join(controllerRoot, 'cgroup.subtree_control'), '+cpu')
    mkdirSync(cgroup)
    // As systemd converts them: a weight of 100 equals 1024 shares.
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
 * Gives a measuring process real-time priority, as if it ran on another machine, so that it does not measure its own delay. Returns false
 * where this is not permitted: it requires Linux, root, and `chrt`.
 */
export function raisePriority(pid: number): boolean {
  try {
    execFileSync('chrt', ['--all-tasks', '--rr', '--pid', '1', String(pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
