import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import { pollDelay } from '../host/poll-delay.ts'
import { claimStop, keeperExitCode, latestClaim, type NumberedClaim, persistClaim } from './claim.ts'
import type { WorkspaceDirectory } from './workspace-directory.ts'
import { workspaceTagVariables } from './environment.ts'
import type { ProcessHost } from '../host/host.ts'
import type { TaggedProcess, ProcessIdentity } from '../host/process-table.ts'
import { signalProcessAndGroup } from '../host/send-signal.ts'

const killTimeoutMs = 5_000

/**
 * Ends the workspace's processes, including those that have left their group and session: SIGTERM once, and SIGKILL after `graceMs`.
 * Success if there is none. May be repeated.
 */
export async function terminateProcesses(
  host: ProcessHost,
  id: WorkspaceId,
  signal: AbortSignal,
  options: {
    readonly graceMs: number
    readonly filter?: (process: TaggedProcess) => boolean
    readonly keeper?: ProcessIdentity | null
  },
): Promise<Outcome<void>> {
  const { graceMs, filter = () => true, keeper = null } = options
  const workspaceTags = workspaceTagVariables(host.installation, id)
  const startedAt = performance.now()
  const signaledPids = new Set<number>()
  let warned = false
  for (let round = 0; ; round += 1) {
    // In this order: a command that starts after the keeper's end is killed by its starter, so the list is complete.
    const keeperPids = keeper !== null && (await host.processTable.isAlive(keeper)) ? [keeper.pid] : []
    const taggedPids = (await host.processTable.listTagged(workspaceTags)).filter(filter).map(({ pid }) => pid)
    const pids = [...new Set([...keeperPids, ...taggedPids])]
    if (pids.length === 0) return ok(undefined)
    const elapsed = performance.now() - startedAt
    const processList = `${pids.length === 1 ? 'Process' : 'Processes'} ${pids.join(', ')}`
    if (signal.aborted) return fault('transient', `${processList} had not exited when the request was cancelled.`)
    if (elapsed > graceMs + killTimeoutMs) return fault('transient', `${processList} did not exit after SIGKILL.`)
    const forceKill = elapsed >= graceMs
    if (forceKill && graceMs > 0 && !warned) {
      host.log.warn({ workspaceId: id, pids }, 'processes did not exit after SIGTERM and are killed')
      warned = true
    }
    // The keeper goes first: a command that ends without a keeper is known to have been stopped.
    for (const pid of forceKill || keeperPids.length === 0 ? pids : keeperPids) {
      if (forceKill) signalProcessAndGroup(pid, 'SIGKILL')
      else if (!signaledPids.has(pid)) signalProcessAndGroup(pid, 'SIGTERM')
      signaledPids.add(pid)
    }
    await pollDelay(Math.min(5 * 2 ** round, 200), signal)
  }
}

/** Stops all processes of the workspace. A keeper that was started before and is late exits by itself (claim.ts, C3). May be repeated. */
export async function stop(
  host: ProcessHost,
  directory: WorkspaceDirectory,
  id: WorkspaceId,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  // A taken number belongs to another stop, or to a keeper that has to end as well.
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const latest = await latestClaim(directory.claimsDirectory)
    const keeper = latest?.claim.kind === 'keeper' ? latest.claim : null
    const termination = await terminateProcesses(host, id, signal, { graceMs: host.graceMs, keeper })
    if (!termination.ok) return termination
    const number = (latest?.number ?? 0) + 1
    if (!(await claimStop(directory.claimsDirectory, number, await lastExitCode(directory, latest)))) continue
    await persistClaim(directory.claimsDirectory, number)
    return ok(undefined)
  }
  return fault('transient', 'The workspace was stopped and started at the same time, over and over.')
}

async function lastExitCode(
  { claimsDirectory }: WorkspaceDirectory,
  latest: NumberedClaim | null,
): Promise<number | null | 'never'> {
  if (latest === null) return 'never'
  return latest.claim.kind === 'rest' ? latest.claim.exit : keeperExitCode(claimsDirectory, latest.number)
}
