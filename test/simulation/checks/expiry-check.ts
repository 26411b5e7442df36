import type { TransitionRecord } from '../../../src/persistence/workspace-row.ts'
import type { Simulation } from '../simulation.ts'

const minute = 60_000
const expiryPauseMs = 5 * minute

/** Law 6: nothing expires before it is due, nor within five minutes of a forward jump that was not corrected. */
export function checkExpiry(simulation: Simulation, { row, line }: TransitionRecord): void {
  if (line?.event !== 'expire') return
  const { clock, jumps } = simulation
  const label = simulation.ledger.find(row.id)?.label ?? row.name
  const lateMs = clock.now() - line.at // a late event loop commits transitions of earlier timers
  if (lateMs < 0 || lateMs > 1000) simulation.reportViolation(`law 6: ${label} expired at a time other than now`)
  if (row.expiresAt === null || row.expiresAt > line.at)
    simulation.reportViolation(`law 6: ${label} expired before it was due`)
  const recent = jumps.filter(({ moment }) => clock.monotonic() - moment < expiryPauseMs)
  const [first] = recent
  // A corrected jump may not have been noticed, and one of a minute or less does not count.
  if (first && recent.every(({ ms }) => ms > 0) && recent.some(({ ms }) => ms > minute))
    simulation.reportViolation(
      `law 6: ${label} expired ${clock.monotonic() - first.moment} ms after the clock jumped forward`,
    )
}
