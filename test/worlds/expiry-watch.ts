import type { WrittenStep } from '../../src/persistence/workspace-row.ts'
import type { SimulatedWorld } from './simulated-world.ts'

const minute = 60_000
const holdMs = 5 * minute

/** Law 6: nothing expires before its time, nor within five minutes of a jump forward that was not put right. */
export function watchExpiry(world: SimulatedWorld, { row, line }: WrittenStep): void {
  if (line?.event !== 'expire') return
  const { clock, jumps } = world
  const label = world.ledger.find(row.id)?.label ?? row.name
  const lateMs = clock.now() - line.at // a loop that is late commits what it decided some timers ago
  if (lateMs < 0 || lateMs > 1000) world.blame(`law 6: ${label} expired at a time that is not now`)
  if (row.expiresAt === null || row.expiresAt > line.at) world.blame(`law 6: ${label} expired before its time`)
  const recent = jumps.filter(({ moment }) => clock.monotonic() - moment < holdMs)
  const [first] = recent
  // One that was put right may never have been noticed, and one of a minute or less is none.
  if (first && recent.every(({ ms }) => ms > 0) && recent.some(({ ms }) => ms > minute))
    world.blame(`law 6: ${label} expired ${clock.monotonic() - first.moment} ms after the clock jumped forward`)
}
