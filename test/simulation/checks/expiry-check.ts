import type { TransitionRecord } from '../../../src/persistence/workspace-row.ts'
import type { Simulation } from '../simulation.ts'

const minute = 60_000
const expiryPauseMs = 5 * minute

/** Law 6: nothing expires before its time, nor within five minutes of a jump forward that was not put right. */
export function checkExpiry(simulation: Simulation, { row, line }: TransitionRecord): void {
  if (line?.event !== 'expire') return
  const { clock, jumps } = simulation
  const label = simulation.ledger.find(row.id)?.label ?? row.name
  const lateMs = clock.now() - line.at // a loop that is late commits what it decided some timers ago
  if (lateMs < 0 || lateMs > 1000) simulation.reportViolation(`law 6: ${label} expired at a time that is not now`)
  if (row.expiresAt === null || row.expiresAt > line.at)
    simulation.reportViolation(`law 6: ${label} expired before its time`)
  const recent = jumps.filter(({ moment }) => clock.monotonic() - moment < expiryPauseMs)
  const [first] = recent
  // One that was put right may never have been noticed, and one of a minute or less is none.
  if (first && recent.every(({ ms }) => ms > 0) && recent.some(({ ms }) => ms > minute))
    simulation.reportViolation(
      `law 6: ${label} expired ${clock.monotonic() - first.moment} ms after the clock jumped forward`,
    )
}
