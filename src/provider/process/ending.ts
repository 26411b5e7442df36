import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import { pause } from './answer.ts'
import { claimRest, exitOf, latestClaim, type NumberedClaim, settleClaim } from './claim.ts'
import type { Directory } from './directory.ts'
import { workspaceMark } from './environment.ts'
import type { Host } from './host.ts'
import type { MarkedProcess, ProcessMark } from './process-table.ts'
import { sendSignal } from './send-signal.ts'

const killMs = 5_000

/**
 * Ends the workspace's processes, those that have left their group and session too: asks once, and after `graceMs` kills.
 * None there is success. May be repeated.
 */
export async function endProcesses(
  host: Host,
  id: WorkspaceId,
  signal: AbortSignal,
  how: {
    readonly graceMs: number
    readonly which?: (process: MarkedProcess) => boolean
    readonly keeper?: ProcessMark | null
  },
): Promise<Outcome<void>> {
  const { graceMs, which = () => true, keeper = null } = how
  const mark = workspaceMark(host.installation, id)
  const begun = performance.now()
  const asked = new Set<number>()
  let warned = false
  for (let round = 0; ; round += 1) {
    // In this order: once the keeper is seen to have ended, no setup begins another command (setup.ts, `mayRun`), so the list is whole.
    const alive = keeper !== null && (await host.table.lives(keeper)) ? [keeper.pid] : []
    const marked = (await host.table.marked(mark)).filter(which).map(({ pid }) => pid)
    const pids = [...new Set([...alive, ...marked])]
    if (pids.length === 0) return done(undefined)
    const elapsed = performance.now() - begun
    const named = `${pids.length === 1 ? 'Process' : 'Processes'} ${pids.join(', ')}`
    if (signal.aborted) return fault('later', `${named} had not ended when the wait was given up.`)
    if (elapsed > graceMs + killMs) return fault('later', `${named} cannot be killed. End them by hand.`)
    const kill = elapsed >= graceMs
    if (kill && graceMs > 0 && !warned) {
      host.log.warn({ workspaceId: id, pids }, 'processes are killed, since they have not ended when asked to')
      warned = true
    }
    // The keeper goes first, so that a command that ends without one is known to have been ended.
    for (const pid of kill || alive.length === 0 ? pids : alive) {
      if (kill) sendSignal(pid, 'SIGKILL')
      else if (!asked.has(pid)) sendSignal(pid, 'SIGTERM')
      asked.add(pid)
    }
    await pause(Math.min(5 * 2 ** round, 200), signal)
  }
}

/** Makes nothing of the workspace run, and a keeper that was started before and is late end by itself (claim.ts, C3). May be repeated. */
export async function halt(
  host: Host,
  directory: Directory,
  id: WorkspaceId,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  // Whoever finds the next number taken looks again: it is another halt's, or a keeper's that has to end as well.
  for (let round = 0; round < 10; round += 1) {
    const latest = await latestClaim(directory.claims)
    const keeper = latest?.claim.kind === 'keeper' ? latest.claim : null
    const ended = await endProcesses(host, id, signal, { graceMs: host.graceMs, keeper })
    if (!ended.ok) return ended
    const number = (latest?.number ?? 0) + 1
    if (!(await claimRest(directory.claims, number, await lastExit(directory, latest)))) continue
    await settleClaim(directory.claims, number)
    return done(undefined)
  }
  return fault('later', 'The workspace was halted and booted at the same time, over and over.')
}

async function lastExit({ claims }: Directory, latest: NumberedClaim | null): Promise<number | null | 'never'> {
  if (latest === null) return 'never'
  return latest.claim.kind === 'rest' ? latest.claim.exit : exitOf(claims, latest.number)
}
